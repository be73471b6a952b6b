//! What is wrong with a document, by ECS 9.4: names, types, lists, allowed values, and which event types a category has.

mod row;
pub(super) mod table;

use super::{
    Fault, FaultReason,
    json::{Json, Members, member},
};
use row::Row;

/// Names that ECS leaves to others: those of Elastic's integration for flow logs, and floodmark's.
pub(super) const SPACES: [&str; 2] = ["aws.vpcflow", "floodmark"];

/// The version of ECS that is stated here.
const VERSION: &str = "9.4.0";

/// The stated fields in order of path, for who looks one up.
#[derive(Debug)]
pub(super) struct Rows(Vec<&'static Row>);

/// A look at one document.
struct Look<'r> {
    rows: &'r Rows,
    path: String,
    faults: Vec<Fault>,
}

// === impl Rows ===

impl Rows {
    pub(super) fn new() -> Self {
        let mut rows: Vec<&'static Row> = table::ROWS.iter().collect();
        rows.sort_unstable_by_key(|row| row.path);
        Self(rows)
    }

    /// The stated fields, for the test that holds them against what is published.
    #[cfg(test)]
    pub(super) fn all(&self) -> &[&'static Row] {
        &self.0
    }

    fn find(&self, path: &str) -> Option<&'static Row> {
        self.0.binary_search_by_key(&path, |row| row.path).ok().map(|place| self.0[place])
    }

    /// What is wrong with the document that has these members.
    pub(super) fn faults(&self, members: &Members<'_>) -> Vec<Fault> {
        let mut look = Look { rows: self, path: String::new(), faults: Vec::new() };
        look.object(members);
        let dataset = member(members, "event").and_then(|event| event.member("dataset")).and_then(Json::text);
        let is_line = dataset == Some("floodmark.syslog");
        let is_free = |row: &Row| is_line && table::CATEGORIES_OF_FLOWS.contains(&row.path);
        for row in self.0.iter().filter(|row| row.required && !is_free(row)) {
            let mut names = row.path.split('.');
            let first = names.next().and_then(|name| member(members, name));
            if names.try_fold(first, |value, name| Some(value?.member(name))).flatten().is_none() {
                look.add(FaultReason::Missing, row.path);
            }
        }
        look.together(members);
        look.faults
    }
}

// === impl Look ===

impl Look<'_> {
    fn add(&mut self, reason: FaultReason, path: &str) {
        self.faults.push(Fault { reason, field: path.to_owned() });
    }

    fn object(&mut self, members: &Members<'_>) {
        for (place, (name, value)) in members.iter().enumerate() {
            let length = self.path.len();
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(name);
            let path = self.path.clone();
            if members[..place].iter().any(|(before, _)| before == name) {
                self.add(FaultReason::Twice, &path);
            }
            self.value(&path, value);
            self.path.truncate(length);
        }
    }

    fn value(&mut self, path: &str, value: &Json<'_>) {
        match (self.rows.find(path), value) {
            (Some(row), value) => {
                for reason in row.faults(value) {
                    self.add(reason, path);
                }
            }
            (None, value) if SPACES.contains(&path) => self.other(path, value),
            (None, Json::Object(members)) => self.object(members),
            (None, _) => self.add(FaultReason::Unknown, path),
        }
    }

    /// What stands in a space that ECS leaves to others: no member twice, and no empty value.
    fn other(&mut self, path: &str, value: &Json<'_>) {
        match value {
            Json::Null => self.add(FaultReason::WrongType, path),
            Json::List(values) => values.iter().for_each(|value| self.other(path, value)),
            Json::Object(members) => {
                for (place, (name, value)) in members.iter().enumerate() {
                    let path = format!("{path}.{name}");
                    if members[..place].iter().any(|(before, _)| before == name) {
                        self.add(FaultReason::Twice, &path);
                    }
                    self.other(&path, value);
                }
            }
            _ => {}
        }
    }

    /// What fields say together.
    fn together(&mut self, members: &Members<'_>) {
        let event = member(members, "event");
        let texts = |name| event.and_then(|event| event.member(name)).map_or(&[][..], Json::each);
        let mut wrong = false;
        for category in texts("category").iter().filter_map(Json::text) {
            let expected = table::EXPECTED.iter().find(|(known, _)| *known == category);
            let fits = |kind: &str| expected.is_none_or(|(_, kinds)| kinds.contains(&kind));
            wrong |= !texts("type").iter().filter_map(Json::text).all(fits);
        }
        if wrong {
            self.add(FaultReason::Inconsistent, "event.type");
        }
        let stream = member(members, "data_stream").and_then(|stream| stream.member("dataset"));
        if stream.is_some() && event.and_then(|event| event.member("dataset")) != stream {
            self.add(FaultReason::Inconsistent, "data_stream.dataset");
        }
        let version = member(members, "ecs").and_then(|ecs| ecs.member("version")).and_then(Json::text);
        if version.is_some_and(|version| version != VERSION) {
            self.add(FaultReason::NotAllowed, "ecs.version");
        }
    }
}
