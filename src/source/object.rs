//! The names that AWS gives to the objects in which it delivers flow logs to S3.

use std::path::Path;

use crate::event::Origin;

/// The flow log that a file of this name is of: AWS names the objects
/// `<account>_vpcflowlogs_<region>_<flow log id>_<time>_<hash>.log.gz`, and a flow log's format never changes, so all of
/// them are one stream. `None` for a file of another name.
pub(super) fn flow_log(path: &Path) -> Option<Origin> {
    let name = path.file_name()?.to_str()?;
    let mut parts = name.split('_');
    let (account, kind) = (parts.next()?, parts.next()?);
    let (_region, id) = (parts.next()?, parts.next()?);
    let (_time, _hash) = (parts.next()?, parts.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_flow_log = id
        .strip_prefix("fl-")
        .is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    (is_account && kind == "vpcflowlogs" && is_flow_log && parts.next().is_none())
        .then(|| Origin::flow_log(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flow_log_stands_in_the_name_that_aws_gives() {
        let of = |name: &str| flow_log(Path::new(name)).map(|origin| origin.to_string());
        let name = "AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/03/02/123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20260302T1620Z_fe123456.log.gz";
        assert_eq!(of(name).as_deref(), Some("flow-log:fl-1234abcd"));
        for other in [
            "flows.log",
            "123456789012_vpcflowlogs_us-east-1_fl-1234abcd.log",
            "123456789012_elasticloadbalancing_us-east-1_fl-1234abcd_20260302T1620Z_fe123456.log.gz",
            "1234_vpcflowlogs_us-east-1_fl-1234abcd_20260302T1620Z_fe123456.log.gz",
            "123456789012_vpcflowlogs_us-east-1_fl-_20260302T1620Z_fe123456.log.gz",
            "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20260302T1620Z_fe1_23456.log.gz",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
