//! Objects that both classes of OCSF have.

use super::{
    attribute::{Object, code, integer, ip, millis, object, text, value},
    codes,
};
use crate::normalize::check::stated::Kind;

const NAME_OR_UID: &[&str] = &["name", "uid"];

pub(super) static METADATA: Object = Object {
    name: "metadata",
    one_of: &[],
    attributes: &[
        text("version").required(),
        object("product", &PRODUCT).required(),
        object("loggers", &LOGGER).list(),
        text("profiles").list(),
        text("labels").list(),
        text("uid"),
        text("correlation_uid"),
        text("tenant_uid"),
        text("event_code"),
        text("log_name"),
        text("log_provider"),
        text("log_version"),
        text("log_level"),
        text("log_format"),
        text("original_time"),
        text("original_event_uid"),
        millis("logged_time"),
        millis("processed_time"),
        millis("modified_time"),
        integer("sequence"),
        integer("untruncated_size"),
        value("is_truncated", Kind::Truth),
    ],
};

static PRODUCT: Object = Object {
    name: "product",
    one_of: NAME_OR_UID,
    attributes: &[
        text("name"),
        text("uid"),
        text("vendor_name"),
        text("version"),
        text("lang"),
        object("feature", &FEATURE),
    ],
};

static FEATURE: Object = Object {
    name: "feature",
    one_of: NAME_OR_UID,
    attributes: &[text("name"), text("uid"), text("version")],
};

static LOGGER: Object = Object {
    name: "logger",
    one_of: NAME_OR_UID,
    attributes: &[
        text("name"),
        text("uid"),
        text("version"),
        object("product", &PRODUCT),
        object("device", &DEVICE),
        text("event_uid"),
        text("log_name"),
        text("log_provider"),
        text("log_version"),
        millis("logged_time"),
        millis("transmit_time"),
    ],
};

pub(super) static CLOUD: Object = Object {
    name: "cloud",
    one_of: &[],
    attributes: &[
        text("provider").required(),
        object("account", &ACCOUNT),
        text("region"),
        text("zone"),
        text("cloud_partition"),
        text("project_uid"),
    ],
};

static ACCOUNT: Object =
    Object { name: "account", one_of: NAME_OR_UID, attributes: &[text("name"), text("uid"), text("type")] };

pub(super) static DEVICE: Object = Object {
    name: "device",
    one_of: &["ip", "uid", "name", "hostname", "instance_uid", "interface_uid", "interface_name"],
    attributes: &[
        code("type_id", "type", codes::DEVICE).required(),
        text("type"),
        ip("ip"),
        value("mac", Kind::Mac),
        text("uid"),
        text("name"),
        text("hostname"),
        text("domain"),
        text("instance_uid"),
        text("interface_uid"),
        text("interface_name"),
        text("vpc_uid"),
        text("subnet_uid"),
        text("region"),
        text("zone"),
        text("desc"),
        object("location", &LOCATION),
    ],
};

pub(super) static ENDPOINT: Object = Object {
    name: "network_endpoint",
    one_of: &[
        "ip",
        "uid",
        "name",
        "hostname",
        "svc_name",
        "instance_uid",
        "interface_uid",
        "interface_name",
        "domain",
    ],
    attributes: &[
        code("type_id", "type", codes::DEVICE),
        text("type"),
        ip("ip"),
        ip("intermediate_ips").list(),
        value("port", Kind::Port),
        value("mac", Kind::Mac),
        text("uid"),
        text("name"),
        text("hostname"),
        text("domain"),
        text("svc_name"),
        text("instance_uid"),
        text("interface_uid"),
        text("interface_name"),
        text("vpc_uid"),
        text("subnet_uid"),
        text("zone"),
        code("network_scope_id", "network_scope", codes::SCOPE),
        text("network_scope"),
        object("location", &LOCATION),
        object("autonomous_system", &AUTONOMOUS_SYSTEM),
    ],
};

static LOCATION: Object = Object {
    name: "location",
    one_of: &["city", "country", "postal_code", "region"],
    attributes: &[
        text("city"),
        text("continent"),
        text("country"),
        text("desc"),
        text("postal_code"),
        text("region"),
        text("provider"),
        text("isp"),
        value("lat", Kind::Float),
        value("long", Kind::Float),
    ],
};

static AUTONOMOUS_SYSTEM: Object = Object {
    name: "autonomous_system",
    one_of: &["number", "name"],
    attributes: &[integer("number"), text("name")],
};

pub(super) static OBSERVABLE: Object = Object {
    name: "observable",
    one_of: &[],
    attributes: &[
        code("type_id", "type", codes::OBSERVABLE).required(),
        text("type"),
        text("name"),
        text("value"),
        text("event_uid"),
    ],
};
