//! Network Activity, class 4001, and the objects that only it has.

use super::{
    attribute::{Codes, Object, code, integer, millis, object, text, value},
    codes,
    shared::{CLOUD, DEVICE, ENDPOINT, METADATA, OBSERVABLE},
};
use crate::normalize::check::stated::Kind;

const CONTROL: &str = "security_control";

const ACTIVITY: Codes = &[
    (0, "Unknown"),
    (1, "Open"),
    (2, "Close"),
    (3, "Reset"),
    (4, "Fail"),
    (5, "Refuse"),
    (6, "Traffic"),
    (7, "Listen"),
    (99, "Other"),
];

const TYPE: Codes = &[
    (400_100, "Network Activity: Unknown"),
    (400_101, "Network Activity: Open"),
    (400_102, "Network Activity: Close"),
    (400_103, "Network Activity: Reset"),
    (400_104, "Network Activity: Fail"),
    (400_105, "Network Activity: Refuse"),
    (400_106, "Network Activity: Traffic"),
    (400_107, "Network Activity: Listen"),
    (400_199, "Network Activity: Other"),
];

const STATUS: Codes = &[(0, "Unknown"), (1, "Success"), (2, "Failure"), (99, "Other")];

pub(super) static NETWORK_ACTIVITY: Object = Object {
    name: "network_activity",
    one_of: &["dst_endpoint", "src_endpoint"],
    attributes: &[
        code("activity_id", "activity_name", ACTIVITY).required(),
        text("activity_name"),
        code("category_uid", "category_name", &[(4, "Network Activity")]).required(),
        text("category_name"),
        code("class_uid", "class_name", &[(4001, "Network Activity")]).required(),
        text("class_name"),
        code("type_uid", "type_name", TYPE).required(),
        text("type_name"),
        code("severity_id", "severity", codes::SEVERITY).required(),
        text("severity"),
        millis("time").required(),
        object("metadata", &METADATA).required(),
        object("cloud", &CLOUD).required().of("cloud"),
        object("device", &DEVICE).of("host"),
        code("status_id", "status", STATUS),
        text("status"),
        text("status_code"),
        text("status_detail"),
        code("action_id", "action", codes::ACTION).of(CONTROL),
        text("action").of(CONTROL),
        code("disposition_id", "disposition", codes::DISPOSITION).of(CONTROL),
        text("disposition").of(CONTROL),
        value("is_alert", Kind::Truth).of(CONTROL),
        integer("risk_score").of(CONTROL),
        code("confidence_id", "confidence", codes::CONFIDENCE).of(CONTROL),
        text("confidence").of(CONTROL),
        millis("start_time"),
        millis("end_time"),
        integer("duration"),
        integer("timezone_offset"),
        integer("count"),
        text("message"),
        text("app_name"),
        text("app_protocol_name"),
        object("src_endpoint", &ENDPOINT),
        object("dst_endpoint", &ENDPOINT),
        code("observation_point_id", "observation_point", codes::POINT),
        text("observation_point"),
        value("is_src_dst_assignment_known", Kind::Truth),
        object("connection_info", &CONNECTION),
        object("traffic", &TRAFFIC),
        object("cumulative_traffic", &TRAFFIC),
        object("observables", &OBSERVABLE).list(),
        text("raw_data"),
        integer("raw_data_size"),
        value("unmapped", Kind::Free),
    ],
};

static CONNECTION: Object = Object {
    name: "network_connection_info",
    one_of: &[],
    attributes: &[
        code("direction_id", "direction", codes::DIRECTION).required(),
        text("direction"),
        code("protocol_ver_id", "protocol_ver", codes::INTERNET_PROTOCOL),
        text("protocol_ver"),
        code("boundary_id", "boundary", codes::BOUNDARY),
        text("boundary"),
        text("protocol_name"),
        integer("protocol_num"),
        integer("tcp_flags"),
        text("flag_history"),
        text("community_uid"),
        text("uid"),
    ],
};

static TRAFFIC: Object = Object {
    name: "network_traffic",
    one_of: &[],
    attributes: &[
        integer("bytes"),
        integer("bytes_in"),
        integer("bytes_out"),
        integer("bytes_missed"),
        integer("packets"),
        integer("packets_in"),
        integer("packets_out"),
        millis("start_time"),
        millis("end_time"),
    ],
};
