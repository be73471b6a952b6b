//! What is wrong with a document, by OCSF 1.8.0: its classes 4001, 2004 and 0 with the profiles that floodmark writes.

pub(super) mod attribute;
mod codes;
mod findings;
mod flows;
mod lines;
mod shared;

use super::{
    Fault, FaultReason,
    json::{Json, Members, member},
};
use attribute::{Attribute, Object, Shape};

/// The classes, by number.
pub(super) static CLASSES: [(i128, &Object); 3] =
    [(4001, &flows::NETWORK_ACTIVITY), (2004, &findings::DETECTION_FINDING), (0, &lines::BASE_EVENT)];

/// The version of the schema that is stated here.
const VERSION: &str = "1.8.0";

/// A look at one document.
struct Look<'m> {
    profiles: Vec<&'m str>,
    path: String,
    faults: Vec<Fault>,
}

/// What is wrong with the document that has these members.
pub(super) fn faults(members: &Members<'_>) -> Vec<Fault> {
    let metadata = member(members, "metadata");
    let profiles = metadata.and_then(|metadata| metadata.member("profiles")).map_or(&[][..], Json::each);
    let mut look = Look {
        profiles: profiles.iter().filter_map(Json::text).collect(),
        path: String::new(),
        faults: Vec::new(),
    };
    let uid = member(members, "class_uid").and_then(Json::integer);
    let class = CLASSES.iter().find(|(known, _)| uid == Some(*known));
    let Some((uid, class)) = class else {
        look.add(if uid.is_some() { FaultReason::NotAllowed } else { FaultReason::Missing }, "class_uid");
        return look.faults;
    };
    look.object(class, members);
    let version = metadata.and_then(|metadata| metadata.member("version")).and_then(Json::text);
    if version.is_some_and(|version| version != VERSION) {
        look.add(FaultReason::NotAllowed, "metadata.version");
    }
    look.numbers(*uid, members);
    look.raw(members);
    look.observables(members);
    look.faults
}

// === impl Look ===

impl Look<'_> {
    fn add(&mut self, reason: FaultReason, name: &str) {
        let joint = if self.path.is_empty() || name.is_empty() { "" } else { "." };
        self.faults.push(Fault { reason, field: format!("{}{joint}{name}", self.path) });
    }

    fn object(&mut self, stated: &'static Object, members: &Members<'_>) {
        for (place, (name, value)) in members.iter().enumerate() {
            if members[..place].iter().any(|(before, _)| before == name) {
                self.add(FaultReason::Twice, name);
            }
            match stated.attribute(name).filter(|attribute| self.belongs(attribute)) {
                Some(attribute) => self.values(attribute, value),
                None => self.add(FaultReason::Unknown, name),
            }
        }
        for attribute in stated.attributes.iter().filter(|attribute| attribute.required) {
            if self.belongs(attribute) && member(members, attribute.name).is_none() {
                self.add(FaultReason::Missing, attribute.name);
            }
        }
        let has_one = stated.one_of.iter().any(|name| member(members, name).is_some());
        if !stated.one_of.is_empty() && !has_one {
            self.add(FaultReason::Missing, &stated.one_of.join("|"));
        }
        for attribute in stated.attributes.iter().filter(|attribute| !attribute.word.is_empty()) {
            let code = member(members, attribute.name).and_then(Json::integer);
            let word = member(members, attribute.word).and_then(Json::text);
            let caption = code.and_then(|code| attribute.caption(code));
            // What is none of the others has a word of its own.
            if let (Some(word), Some(caption)) = (word, caption)
                && (code != Some(99) && word != caption)
            {
                self.add(FaultReason::WrongWord, attribute.word);
            }
        }
    }

    /// Whether the document's profiles have the attribute.
    fn belongs(&self, attribute: &Attribute) -> bool {
        attribute.profile.is_none_or(|profile| self.profiles.contains(&profile))
    }

    fn values(&mut self, attribute: &'static Attribute, value: &Json<'_>) {
        if attribute.list != matches!(value, Json::List(_)) {
            return self.add(FaultReason::WrongShape, attribute.name);
        }
        for value in value.each() {
            match (&attribute.shape, value) {
                (Shape::Object(stated), Json::Object(members)) => {
                    let length = self.path.len();
                    if length > 0 {
                        self.path.push('.');
                    }
                    self.path.push_str(attribute.name);
                    self.object(stated, members);
                    self.path.truncate(length);
                }
                (Shape::Object(_), _) => self.add(FaultReason::WrongType, attribute.name),
                (Shape::Value(kind), value) => {
                    if let Some(reason) = kind.fault(value) {
                        self.add(reason, attribute.name);
                    } else if value.integer().is_some_and(|code| !attribute.allows(code)) {
                        self.add(FaultReason::NotAllowed, attribute.name);
                    }
                }
            }
        }
    }

    /// The numbers of class, category and type say the same.
    fn numbers(&mut self, class: i128, members: &Members<'_>) {
        let number = |name| member(members, name).and_then(Json::integer);
        let activity = number("activity_id");
        if number("type_uid")
            .zip(activity)
            .is_some_and(|(type_uid, activity)| type_uid != class * 100 + activity)
        {
            self.add(FaultReason::Inconsistent, "type_uid");
        }
        if number("category_uid").is_some_and(|category| category != class / 1_000) {
            self.add(FaultReason::Inconsistent, "category_uid");
        }
    }

    /// The size is that of the raw text; where bytes of it were replaced, it cannot be told.
    fn raw(&mut self, members: &Members<'_>) {
        let Some(raw) = member(members, "raw_data").and_then(Json::text) else { return };
        let size = member(members, "raw_data_size").and_then(Json::integer);
        if size.is_some_and(|size| size != raw.len() as i128) && !raw.contains(char::REPLACEMENT_CHARACTER) {
            self.add(FaultReason::Inconsistent, "raw_data_size");
        }
    }

    /// Each observable names a field of the document, and its value is what stands there.
    fn observables(&mut self, members: &Members<'_>) {
        let Some(observables) = member(members, "observables") else { return };
        let document = Json::Object(members.clone());
        for observable in observables.each() {
            let Some(name) = observable.member("name").and_then(Json::text) else { continue };
            let named = document.at(name);
            if named.is_empty() {
                self.add(FaultReason::Inconsistent, "observables.name");
            } else if let Some(value) = observable.member("value")
                && !named.iter().any(|named| is_same(named, value))
            {
                self.add(FaultReason::Inconsistent, "observables.value");
            }
        }
    }
}

/// Whether an observable's value, which is a text, says what stands in the document.
fn is_same(named: &Json<'_>, value: &Json<'_>) -> bool {
    match named {
        Json::Integer(number) => value.text() == Some(number.to_string().as_str()),
        named => named == value,
    }
}
