//! Detection Finding, class 2004, and the objects that only it has.

use super::{
    attribute::{Codes, Object, code, integer, ip, millis, object, text, value},
    codes,
    shared::{CLOUD, DEVICE, ENDPOINT, METADATA, OBSERVABLE},
};
use crate::normalize::check::stated::Kind;

const CONTROL: &str = "security_control";
const NAME_OR_UID: &[&str] = &["name", "uid"];

const ACTIVITY: Codes = &[(0, "Unknown"), (1, "Create"), (2, "Update"), (3, "Close"), (99, "Other")];

const TYPE: Codes = &[
    (200_400, "Detection Finding: Unknown"),
    (200_401, "Detection Finding: Create"),
    (200_402, "Detection Finding: Update"),
    (200_403, "Detection Finding: Close"),
    (200_499, "Detection Finding: Other"),
];

const STATUS: Codes = &[
    (0, "Unknown"),
    (1, "New"),
    (2, "In Progress"),
    (3, "Suppressed"),
    (4, "Resolved"),
    (5, "Archived"),
    (6, "Deleted"),
    (99, "Other"),
];

pub(super) static DETECTION_FINDING: Object = Object {
    name: "detection_finding",
    one_of: &[],
    attributes: &[
        code("activity_id", "activity_name", ACTIVITY).required(),
        text("activity_name"),
        code("category_uid", "category_name", &[(2, "Findings")]).required(),
        text("category_name"),
        code("class_uid", "class_name", &[(2004, "Detection Finding")]).required(),
        text("class_name"),
        code("type_uid", "type_name", TYPE).required(),
        text("type_name"),
        code("severity_id", "severity", codes::SEVERITY).required(),
        text("severity"),
        millis("time").required(),
        object("metadata", &METADATA).required(),
        object("cloud", &CLOUD).required().of("cloud"),
        object("finding_info", &FINDING_INFO).required(),
        object("device", &DEVICE),
        code("status_id", "status", STATUS),
        text("status"),
        text("status_code"),
        text("status_detail"),
        code("action_id", "action", codes::ACTION).of(CONTROL),
        text("action").of(CONTROL),
        code("disposition_id", "disposition", codes::DISPOSITION).of(CONTROL),
        text("disposition").of(CONTROL),
        value("is_alert", Kind::Truth),
        integer("risk_score"),
        code("confidence_id", "confidence", codes::CONFIDENCE),
        text("confidence"),
        integer("confidence_score"),
        millis("start_time"),
        millis("end_time"),
        integer("duration"),
        integer("timezone_offset"),
        integer("count"),
        text("message"),
        text("comment"),
        object("anomaly_analyses", &ANALYSIS).list(),
        object("resources", &RESOURCE).list(),
        object("evidences", &EVIDENCE).list(),
        object("observables", &OBSERVABLE).list(),
        text("raw_data"),
        integer("raw_data_size"),
        value("unmapped", Kind::Free),
    ],
};

static FINDING_INFO: Object = Object {
    name: "finding_info",
    one_of: &[],
    attributes: &[
        text("uid").required(),
        text("uid_alt"),
        text("title"),
        text("desc"),
        text("types").list(),
        text("data_sources").list(),
        millis("created_time"),
        millis("modified_time"),
        millis("first_seen_time"),
        millis("last_seen_time"),
        integer("related_events_count"),
        object("analytic", &ANALYTIC),
        object("attacks", &ATTACK).list(),
    ],
};

static ANALYTIC: Object = Object {
    name: "analytic",
    one_of: NAME_OR_UID,
    attributes: &[
        code("type_id", "type", codes::ANALYTIC).required(),
        text("type"),
        text("name"),
        text("uid"),
        text("category"),
        text("desc"),
        text("version"),
        text("algorithm"),
    ],
};

static ATTACK: Object = Object {
    name: "attack",
    one_of: &["tactic", "technique", "sub_technique"],
    attributes: &[object("tactic", &TACTIC), object("technique", &TECHNIQUE), text("version")],
};

static TACTIC: Object =
    Object { name: "tactic", one_of: NAME_OR_UID, attributes: &[text("name"), text("uid")] };

static TECHNIQUE: Object =
    Object { name: "technique", one_of: NAME_OR_UID, attributes: &[text("name"), text("uid")] };

static ANALYSIS: Object = Object {
    name: "anomaly_analysis",
    one_of: &[],
    attributes: &[
        object("analysis_targets", &TARGET).list().required(),
        object("anomalies", &ANOMALY).list().required(),
        object("baselines", &BASELINE).list(),
    ],
};

static TARGET: Object =
    Object { name: "analysis_target", one_of: &[], attributes: &[text("name").required(), text("type")] };

static ANOMALY: Object = Object {
    name: "anomaly",
    one_of: &[],
    attributes: &[
        text("observation_parameter").required(),
        text("observation_type"),
        text("observed_pattern"),
        object("observations", &OBSERVATION).list().required(),
    ],
};

static BASELINE: Object = Object {
    name: "baseline",
    one_of: &[],
    attributes: &[
        text("observation_parameter").required(),
        text("observation_type"),
        text("observed_pattern"),
        object("observations", &OBSERVATION).list().required(),
    ],
};

static OBSERVATION: Object = Object {
    name: "observation",
    one_of: &[],
    attributes: &[text("value").required(), integer("count"), object("timespan", &TIMESPAN)],
};

static TIMESPAN: Object = Object {
    name: "timespan",
    one_of: &[
        "duration",
        "duration_days",
        "duration_hours",
        "duration_mins",
        "duration_months",
        "duration_secs",
        "duration_weeks",
        "duration_years",
        "end_time",
        "start_time",
    ],
    attributes: &[
        code("type_id", "type", codes::TIMESPAN),
        text("type"),
        millis("start_time"),
        millis("end_time"),
        integer("duration"),
        integer("duration_secs"),
        integer("duration_mins"),
        integer("duration_hours"),
        integer("duration_days"),
    ],
};

static RESOURCE: Object = Object {
    name: "resource_details",
    one_of: NAME_OR_UID,
    attributes: &[
        code("role_id", "role", codes::ROLE),
        text("role"),
        text("uid"),
        text("name"),
        text("type"),
        text("hostname"),
        ip("ip"),
        text("namespace"),
        text("criticality"),
        text("labels").list(),
        text("provider").of("cloud"),
        text("region").of("cloud"),
        text("zone").of("cloud"),
        object("group", &GROUP),
        object("owner", &USER),
        object("tags", &TAG).list(),
    ],
};

static GROUP: Object = Object {
    name: "group",
    one_of: NAME_OR_UID,
    attributes: &[text("name"), text("uid"), text("type"), text("desc")],
};

static USER: Object = Object {
    name: "user",
    one_of: &["account", "name", "uid"],
    attributes: &[text("name"), text("uid"), text("full_name"), text("domain")],
};

static TAG: Object = Object {
    name: "key_value_object",
    one_of: &["value", "values"],
    attributes: &[text("name").required(), text("value"), text("values").list()],
};

static EVIDENCE: Object = Object {
    name: "evidences",
    // Of what OCSF has for it, what a flow log can tell.
    one_of: &["src_endpoint", "dst_endpoint", "device"],
    attributes: &[
        object("src_endpoint", &ENDPOINT),
        object("dst_endpoint", &ENDPOINT),
        object("device", &DEVICE),
        text("name"),
        text("uid"),
    ],
};
