//! Which models of a profile its service shuts down soon. Sends nothing.

use crate::api::family;
use crate::api::shutdown::{self, Shutdown};
use crate::command::models::ModelList;
use crate::provider::Provider;

/// A model of the profile that ends within so many days is told.
const SHUTDOWN_DAYS: i32 = 90;

/// What the list says of the models of the profile, and of `model`, that end soon.
pub(super) fn warnings(
    provider: &Provider,
    model: Option<&String>,
    list: &ModelList,
) -> Box<[String]> {
    let of_jobs = provider.profile.models.iter().map(|(_, field)| &field.value);
    let own: Vec<&String> = model.into_iter().chain(of_jobs).collect();
    let today = shutdown::today();
    let ends = |one: &&Shutdown| own.contains(&&one.model) && one.is_within(SHUTDOWN_DAYS, today);
    let warning = |one: &Shutdown| {
        let (name, words) = (&provider.name, one.words(today));
        match family::newest(&one.model, &list.ids) {
            Some(heir) => format!("{name}: {words}; the newest of its family is {heir}"),
            None => format!("{name}: {words}"),
        }
    };
    list.shutdowns.iter().filter(ends).map(warning).collect()
}
