//! Base Event, class 0.

use super::{
    attribute::{Codes, Object, code, integer, millis, object, text, value},
    codes,
    shared::{CLOUD, DEVICE, METADATA, OBSERVABLE},
};
use crate::normalize::check::stated::Kind;

const ACTIVITY: Codes = &[(0, "Unknown"), (99, "Other")];

const TYPE: Codes = &[(0, "Base Event: Unknown"), (99, "Base Event: Other")];

pub(super) static BASE_EVENT: Object = Object {
    name: "base_event",
    one_of: &[],
    attributes: &[
        code("activity_id", "activity_name", ACTIVITY).required(),
        text("activity_name"),
        code("category_uid", "category_name", &[(0, "Uncategorized")]).required(),
        text("category_name"),
        code("class_uid", "class_name", &[(0, "Base Event")]).required(),
        text("class_name"),
        code("type_uid", "type_name", TYPE).required(),
        text("type_name"),
        code("severity_id", "severity", codes::SEVERITY).required(),
        text("severity"),
        millis("time").required(),
        object("metadata", &METADATA).required(),
        object("cloud", &CLOUD).required().of("cloud"),
        object("device", &DEVICE).of("host"),
        millis("start_time"),
        millis("end_time"),
        integer("count"),
        text("message"),
        object("observables", &OBSERVABLE).list(),
        text("raw_data"),
        integer("raw_data_size"),
        value("unmapped", Kind::Free),
    ],
};
