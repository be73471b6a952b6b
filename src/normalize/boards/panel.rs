//! The panels of the dashboard, in no product's words.

use super::view::View;

/// A panel.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) view: View,
    /// Which documents it is about; empty for all of the view.
    pub(super) kql: &'static str,
    pub(super) chart: Chart,
    pub(super) measure: Measure,
    /// Left, top, width and height on a grid 48 wide.
    pub(super) place: [u32; 4],
}

/// What a panel looks like.
#[derive(Debug)]
pub(super) enum Chart {
    /// Stacked bars over time, a colour for each value of a field.
    Bars(&'static str),
    /// A row for each of the largest groups by these fields.
    Table(&'static [&'static str]),
    /// The world: by a field with country codes, or by one with points.
    World { country: &'static str, point: &'static str },
}

/// What a panel counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Measure {
    Count(&'static str),
    Sum(&'static str, &'static str),
    Max(&'static str, &'static str),
}

/// Groups that a table shows, or colours that bars have.
pub(super) const GROUPS: u32 = 10;

/// The panels. Names, fields and measures are checked against the list of fields.
pub(super) const PANELS: [Panel; 8] = [
    Panel {
        name: "traffic-by-direction",
        title: "Traffic by direction",
        view: View::Flows,
        kql: "",
        chart: Chart::Bars("network.direction"),
        measure: Measure::Sum("source.bytes", "Bytes"),
        place: [0, 0, 24, 13],
    },
    Panel {
        name: "top-talkers",
        title: "Top talkers, sent or received",
        view: View::Flows,
        kql: "",
        chart: Chart::Table(&["related.ip"]),
        measure: Measure::Sum("source.bytes", "Bytes"),
        place: [24, 0, 24, 13],
    },
    Panel {
        name: "rejects",
        title: "Rejected flows by port",
        view: View::Flows,
        kql: "event.action: reject",
        chart: Chart::Bars("destination.port"),
        measure: Measure::Count("Rejected flows"),
        place: [0, 13, 24, 13],
    },
    Panel {
        name: "rejected-pairs",
        title: "Rejected flows by pair",
        view: View::Flows,
        kql: "event.action: reject",
        chart: Chart::Table(&["source.ip", "destination.ip"]),
        measure: Measure::Count("Rejected flows"),
        place: [24, 13, 24, 13],
    },
    Panel {
        name: "countries",
        title: "Flows by the sender's country",
        view: View::Flows,
        kql: "",
        chart: Chart::World { country: "source.geo.country_iso_code", point: "source.geo.location" },
        measure: Measure::Count("Flows"),
        place: [0, 26, 24, 15],
    },
    Panel {
        name: "scores",
        title: "Highest scores",
        view: View::Flows,
        kql: "event.risk_score > 0",
        chart: Chart::Table(&["floodmark.entity.name", "floodmark.score.feature"]),
        measure: Measure::Max("event.risk_score", "Score"),
        place: [24, 26, 24, 15],
    },
    Panel {
        name: "findings-over-time",
        title: "Findings",
        view: View::Findings,
        kql: "event.kind: alert",
        chart: Chart::Bars("rule.name"),
        measure: Measure::Count("Findings"),
        place: [0, 41, 24, 13],
    },
    Panel {
        name: "incidents",
        title: "Incidents by score",
        view: View::Findings,
        kql: "",
        chart: Chart::Table(&["floodmark.entity.name", "floodmark.incident.id"]),
        measure: Measure::Max("event.risk_score", "Score"),
        place: [24, 41, 24, 13],
    },
];

// === impl Panel ===

impl Panel {
    /// Its id among the saved objects.
    pub(super) fn id(&self) -> String {
        format!("floodmark-panel-{}", self.name)
    }

    /// Its title there.
    pub(super) fn titled(&self) -> String {
        format!("floodmark: {}", self.title)
    }
}

// === impl Measure ===

impl Measure {
    /// What it is called for people.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Count(label) | Self::Sum(_, label) | Self::Max(_, label) => label,
        }
    }
}
