//! How a table of a profile file is declared: one list of fields is the struct, the names that a
//! message knows, the reader, and, for a table in layers, how one layer lies over another.

/// Declares the type of a table.
///
/// `struct NAME { what no file holds } reads { the fields of the file }`: a field is read by its
/// type's `FromToml`, or by the function behind `=`. With `layered` in front, every field is a
/// `Layer`, and so is the whole.
macro_rules! table {
    (layered $($declaration:tt)*) => {
        $crate::config::table::table! { $($declaration)* }
        $crate::config::table::table! { @layers $($declaration)* }
    };
    (
        $(#[$meta:meta])*
        struct $name:ident { $($(#[$inner_meta:meta])* $inner:ident: $inner_type:ty),* }
        reads { $($(#[$field_meta:meta])* $field:ident: $type:ty $(= $reader:path)?,)* }
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
                source: &$crate::config::source::Source<'_>,
                label: &str,
                table: &::toml::de::DeTable<'_>,
            ) -> Result<Self, $crate::error::Failure> {
                for (key, value) in table {
                    match &**key.get_ref() {
                        $(stringify!($field) => {
                            let read = $crate::config::table::table!(@reader $($reader)?);
                            self.$field = read(source, stringify!($field), value)?;
                        })*
                        _ => return Err(source.unknown(key, label, Self::FIELDS)),
                    }
                }
                Ok(self)
            }
        }
    };
    (
        @layers $(#[$meta:meta])* struct $name:ident { $($inner:tt)* }
        reads { $($(#[$field_meta:meta])* $field:ident: $type:ty $(= $reader:path)?,)* }
    ) => {
        impl $name {
            fn lay_fields_over(&mut self, upper: Self) {
                $($crate::config::field::Layer::lay_over(&mut self.$field, upper.$field);)*
            }

            fn rows(&self) -> $crate::config::field::Rows {
                let mut rows = Vec::new();
                $($crate::config::field::Layer::add_rows(
                    &self.$field,
                    stringify!($field),
                    &mut rows,
                );)*
                rows
            }
        }
    };
    (@reader) => { $crate::config::value::FromToml::from_toml };
    (@reader $reader:path) => { $reader };
}

pub(super) use table;
