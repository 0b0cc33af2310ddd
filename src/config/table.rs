//! How a table of a profile file is declared: one list of fields is the struct, the names that a
//! message knows, the reader, and, for a table in layers, how one layer lies over another.

/// Declares the type of a table.
///
/// `struct NAME { what no file holds } reads { the fields of the file }`: a field is read by its
/// type's `FromToml`, or by the function behind `=`; `| "word"` is a second name of it. With `layered`
/// in front, every field is a `Layer`, and so is the whole.
macro_rules! table {
    (layered $($declaration:tt)*) => {
        $crate::config::table::table! { $($declaration)* }
        $crate::config::table::table! { @layers $($declaration)* }
    };
    (
        $(#[$meta:meta])*
        struct $name:ident { $($(#[$inner_meta:meta])* $inner:ident: $inner_type:ty),* }
        reads { $($(#[$field_meta:meta])* $field:ident: $type:ty $(| $other:literal)? $(= $reader:expr)?,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub(crate) struct $name {
            $($(#[$inner_meta])* pub(crate) $inner: $inner_type,)*
            $($(#[$field_meta])* pub(crate) $field: $type,)*
        }

        impl $name {
            /// The names of the fields, as a file writes them.
            pub(crate) const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            /// Reads the fields of a table. `label` is what messages call the table.
            ///
            /// # Errors
            /// An unknown field or a value of the wrong type, with file and line.
            fn read_fields(
                mut self,
                label: &str,
                table: &$crate::config::source::Item<'_>,
            ) -> Result<Self, $crate::error::Failure> {
                for (key, item) in table.members("")? {
                    match key {
                        $(stringify!($field) $(| $other)? => {
                            let read = $crate::config::table::table!(@reader $($reader)?);
                            self.$field = read(&item)?;
                        })*
                        _ => return Err(item.unknown(label, Self::FIELDS)),
                    }
                }
                Ok(self)
            }
        }
    };
    (
        @layers $(#[$meta:meta])* struct $name:ident { $($inner:tt)* }
        reads { $($(#[$field_meta:meta])* $field:ident: $type:ty $(| $other:literal)? $(= $reader:expr)?,)* }
    ) => {
        impl $name {
            fn lay_fields_over(&mut self, upper: Self) {
                $($crate::config::field::Layer::lay_over(&mut self.$field, upper.$field);)*
            }

            fn add_rows(&self, rows: &mut $crate::config::field::Rows) {
                $($crate::config::field::Layer::add_rows(&self.$field, stringify!($field), rows);)*
            }
        }
    };
    (@reader) => { $crate::config::value::FromToml::from_toml };
    (@reader $reader:expr) => { $reader };
}

pub(super) use table;
