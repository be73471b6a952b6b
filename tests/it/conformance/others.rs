//! The samples for which nothing is published that could be compared: each line is an event or is quarantined.

use super::{columns::parse, lines};
use crate::skipped::fixtures;

#[test]
fn every_line_of_the_other_samples_is_an_event_or_is_quarantined_with_a_reason() {
    let name = "every_line_of_the_other_samples_is_an_event_or_is_quarantined_with_a_reason";
    let Some(folder) = fixtures(name) else { return };
    // File, whether a header line is in it, and why what is not an event is not.
    for (file, header, events, reason) in [
        ("elastic/test-ecs-samples.log", false, 0, "layout_unknown"),
        ("elastic/test-tcp-flag-sequence.log", false, 0, "layout_ambiguous"),
        ("otel/valid_tgw_flow_log.log", true, 1, ""),
        ("otel/valid_vpc_flow_log.log", true, 1, ""),
        ("otel/valid_vpc_flow_log_ecs.log", true, 1, ""),
        ("otel/valid_vpc_flow_log_multi.log", true, 2, ""),
        ("otel/vpc_flow_log_too_few_fields.log", true, 0, "too_few_columns"),
        ("otel/vpc_flow_log_too_many_fields.log", true, 0, "too_many_columns"),
    ] {
        let path = folder.join(file);
        let entries = lines(&path).len() - usize::from(header);
        let parsed = parse(&path);
        assert_eq!(
            (parsed.documents.len(), parsed.bad),
            (events, entries - events),
            "{file} {}",
            parsed.told
        );
        assert!(parsed.told.contains(reason), "{file} {}", parsed.told);
    }
    // A document about a flow log, over many lines, is none of them.
    let path = folder.join("elastic/awsfirehose/test-vpcflow-log.json");
    let parsed = parse(&path);
    assert_eq!(parsed.documents.len(), 0, "{}", parsed.told);
    assert!(parsed.bad > 0, "{}", parsed.told);
}
