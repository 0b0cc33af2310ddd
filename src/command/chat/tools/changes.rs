//! Tools of servers that are others than when the run began.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::offered::{OfferedTool, ToolSource};
use super::servers;
use crate::command::mcp::running::RunningServer;
use crate::io::Stderr;
use crate::mcp::ListedTool;
use crate::tool::{ServerTool, names};

/// What is offered now, and all names that were ever given: a tool keeps its name, and none gets that of
/// another one that is gone.
#[derive(Debug, Default)]
pub(super) struct Offer {
    pub(super) tools: Vec<Arc<OfferedTool>>,
    /// The names that tools of servers have, by the server's place and its own name for the tool.
    names: BTreeMap<(usize, String), String>,
    /// Names of the user's own tools.
    taken: Vec<String>,
}

/// What has become of a server's tools, by what messages call them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    new: Vec<String>,
    gone: Vec<String>,
    changed: Vec<String>,
    /// New ones that can't be asked for, and so are not offered.
    unasked: Vec<String>,
    /// The names for the model of those that are gone or changed.
    pub(super) names: Vec<String>,
}

impl Offer {
    pub(super) fn new(tools: Vec<OfferedTool>, taken: Vec<String>) -> Self {
        let name = |tool: &OfferedTool| Some((tool.place()?, tool.definition.name.clone()));
        let names = tools.iter().filter_map(name).collect();
        Self { tools: tools.into_iter().map(Arc::new).collect(), names, taken }
    }

    /// The tool that the model calls so.
    pub(super) fn find(&self, name: &str) -> Option<Arc<OfferedTool>> {
        self.tools.iter().find(|tool| tool.definition.name == name).cloned()
    }

    /// Whether a tool had this name and is gone.
    pub(super) fn is_gone(&self, name: &str) -> bool {
        self.find(name).is_none() && self.names.values().any(|known| known == name)
    }

    /// Puts the list of the server at this place in the place of its earlier one. `can_ask`: whether there
    /// is somebody who can be asked for a tool that does not run without.
    pub(super) fn replace(
        &mut self,
        at: usize,
        running: &RunningServer,
        listed: &[ListedTool],
        can_ask: bool,
        stderr: &Stderr,
    ) -> Changes {
        let choice = &running.choice;
        let wanted = listed.iter().filter(|tool| choice.offers(&tool.name));
        let mut changes = Changes::default();
        let (allowed, unasked): (Vec<_>, Vec<_>) =
            wanted.partition(|tool| can_ask || choice.allows(&tool.name));
        let shown = |tool: &&ListedTool| OfferedTool::shown_as(&choice.settings.name, &tool.name);
        changes.unasked = unasked.iter().map(shown).collect();
        self.name_new(at, &choice.settings.name, &allowed);
        let mut tools = Vec::new();
        for tool in allowed {
            let name = &self.names[&(at, tool.name.clone())];
            tools.extend(servers::one(name, choice, at, tool, stderr).map(Arc::new));
        }
        let is_of_server = |tool: &OfferedTool| tool.place().is_some_and(|(of, _)| of == at);
        let before: Vec<Arc<OfferedTool>> =
            self.tools.iter().filter(|tool| is_of_server(tool)).cloned().collect();
        changes.compare(&before, &tools);
        let place = self.tools.iter().position(|tool| tool.place().is_some_and(|(of, _)| of >= at));
        let place = place.unwrap_or(self.tools.len());
        self.tools.retain(|tool| !is_of_server(tool));
        self.tools.splice(place..place, tools);
        changes
    }

    /// Gives names to those that have none yet.
    fn name_new(&mut self, at: usize, server: &str, tools: &[&ListedTool]) {
        let is_new = |tool: &&&ListedTool| !self.names.contains_key(&(at, tool.name.clone()));
        let new: Vec<&str> = tools.iter().filter(is_new).map(|tool| tool.name.as_str()).collect();
        let own: Vec<ServerTool<'_>> = new.iter().map(|tool| ServerTool { server, tool }).collect();
        let taken: BTreeSet<&str> =
            self.taken.iter().chain(self.names.values()).map(String::as_str).collect();
        let given = names(&own, &taken);
        let keys = new.iter().map(|tool| (at, (*tool).to_owned()));
        self.names.extend(keys.zip(given));
    }
}

impl Changes {
    fn compare(&mut self, before: &[Arc<OfferedTool>], after: &[Arc<OfferedTool>]) {
        let twin = |tool: &OfferedTool, others: &[Arc<OfferedTool>]| {
            others.iter().find(|other| other.definition.name == tool.definition.name).cloned()
        };
        for tool in before {
            let list = match twin(tool, after) {
                Some(other) if other.definition == tool.definition => continue,
                Some(_) => &mut self.changed,
                None => &mut self.gone,
            };
            list.push(tool.shown.clone());
            self.names.push(tool.definition.name.clone());
        }
        let new = after.iter().filter(|tool| twin(tool, before).is_none());
        self.new.extend(new.map(|tool| tool.shown.clone()));
    }

    /// Whether what is offered is another.
    pub(super) fn is_any(&self) -> bool {
        !(self.new.is_empty() && self.gone.is_empty() && self.changed.is_empty())
    }

    /// What the user is told of them.
    pub(super) fn words(&self) -> Option<String> {
        let kinds = [
            ("new", &self.new),
            ("gone", &self.gone),
            ("changed", &self.changed),
            ("new and not offered, as there is no terminal to ask on", &self.unasked),
        ];
        let told: Vec<String> = kinds
            .iter()
            .filter(|(_, tools)| !tools.is_empty())
            .map(|(what, tools)| format!("{what}: {}", listed(tools)))
            .collect();
        (!told.is_empty()).then(|| format!("the tools have changed; {}", told.join("; ")))
    }
}

/// So many names are told.
const TOLD: usize = 8;

fn listed(names: &[String]) -> String {
    let told = names.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(TOLD) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}

impl OfferedTool {
    /// The place of its server, and the server's own name for it.
    fn place(&self) -> Option<(usize, String)> {
        match &self.source {
            ToolSource::Server { at, tool, .. } => Some((*at, tool.clone())),
            ToolSource::Program(_) => None,
        }
    }
}
