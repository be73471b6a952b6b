//! Asset lists as CSV (RFC 4180) with a header line.

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::{AssetList, Draft, Interval};
use crate::enrich::error::AssetError;

/// The columns that have a meaning; every other one becomes a tag.
const KNOWN: [&str; 10] =
    ["key", "name", "owner", "role", "criticality", "class", "scope", "valid_from", "valid_to", "tags"];

/// The list in `bytes`, whose rows hold during `valid` where they do not say when.
///
/// # Errors
/// The first row or column that cannot be understood.
pub(super) fn read(bytes: &[u8], valid: Interval, rows_max: usize) -> Result<AssetList, AssetError> {
    let mut reader = ReaderBuilder::new().from_reader(bytes);
    let names = header(reader.headers().map_err(|error| refused(bytes, &error))?)?;
    let mut list = AssetList::default();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| refused(bytes, &error))? {
        let row = record.position().map_or(0, |position| line(bytes, position));
        let mut draft = Draft::new(valid);
        for (name, value) in names.iter().zip(&record) {
            draft.set(row, name, value)?;
        }
        list.push(row, draft, rows_max)?;
    }
    Ok(list)
}

/// The names of the columns: ours in lower case, however they are written, all others as they are.
fn header(record: &StringRecord) -> Result<Vec<String>, AssetError> {
    let mut names: Vec<String> = Vec::new();
    for name in record {
        let name = name.trim();
        let known = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name));
        let name = known.map_or_else(|| name.to_owned(), |known| (*known).to_owned());
        if name.is_empty() {
            return Err(AssetError::Shape { cause: "a column of the header line has no name".to_owned() });
        }
        if names.contains(&name) {
            return Err(AssetError::Shape { cause: format!("the header line names {name:?} twice") });
        }
        names.push(name);
    }
    if !names.iter().any(|name| name == "key") {
        return Err(AssetError::Shape { cause: "the header line names no column \"key\"".to_owned() });
    }
    Ok(names)
}

fn refused(bytes: &[u8], error: &csv::Error) -> AssetError {
    let cause = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} columns, the header line has {expected_len}")
        }
        ErrorKind::Utf8 { err, .. } => format!("column {} is not UTF-8", err.field() + 1),
        _ => error.to_string(),
    };
    match error.position() {
        Some(position) => AssetError::Row { row: line(bytes, position), cause },
        None => AssetError::Shape { cause },
    }
}

/// The line on which a record begins: the library counts from before the blank lines that it skips.
fn line(bytes: &[u8], position: &csv::Position) -> u64 {
    let start =
        usize::try_from(position.byte()).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
    let blank = start.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n');
    position.line() + blank.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        read(text.as_bytes(), Interval::ALWAYS, 100).unwrap_err().to_string()
    }

    #[test]
    fn columns_stand_in_any_order_and_unknown_ones_become_tags() {
        let text = "Team,tags,KEY,name,owner,role,criticality\n\
                    red,env=prod; team = blue ,10.0.0.0/8,corp,it,office,high\n\
                    green,,eni-1,\"edge, one\",,,\n";
        let list = read(text.as_bytes(), Interval::ALWAYS, 100).unwrap();
        let first = &list.rows[0].asset;
        assert_eq!(list.rows[0].key.to_string(), "10.0.0.0/8");
        assert_eq!(
            [&first.name, &first.owner, &first.role, &first.criticality].map(|text| text.as_deref()),
            [Some("corp"), Some("it"), Some("office"), Some("high")]
        );
        let tags: Vec<_> = first.tags.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(tags, [("Team", "red"), ("env", "prod"), ("team", "blue")]);
        let second = &list.rows[1];
        assert_eq!((second.row, second.asset.name.as_deref()), (3, Some("edge, one")));
        assert_eq!((&second.asset.owner, second.asset.tags.len()), (&None, 1));
        assert_ne!(first.serial, second.asset.serial);
    }

    #[test]
    fn the_tags_column_beats_an_unknown_column_of_that_name() {
        let list = read(b"key,env,tags\n10.0.0.1,test,env=prod\n", Interval::ALWAYS, 100).unwrap();
        assert_eq!(list.rows[0].asset.tags["env"], Box::from("prod"));
    }

    #[test]
    fn an_error_names_row_and_column() {
        for (text, expected) in [
            ("name\nweb\n", "the header line names no column \"key\""),
            ("key,name,Name\n", "the header line names \"name\" twice"),
            ("key,\n", "a column of the header line has no name"),
            ("key,name\n10.0.0.1,a\n,b\n", "row 3, column \"key\": it is empty"),
            (
                "key\n\n10.0.0.1/8\n",
                "row 3, column \"key\": \"10.0.0.1/8\" is neither the address 10.0.0.1 nor the network 10.0.0.0/8",
            ),
            (
                "key,name\n10.0.0.1,\"two\nlines\"\r\n\r\nx,b",
                "row 5, column \"key\": \"x\" is no CIDR, no address and no id that begins with eni- or i-",
            ),
            (
                "key,class\n10.0.0.1,router\n",
                "row 2, column \"class\": \"router\" is no class; there are workload, nat_gateway, load_balancer, \
                 endpoint, transit_gateway, lambda",
            ),
            (
                "key,valid_from,valid_to\n10.0.0.1,20,20\n",
                "row 2, column \"valid_to\": it is not after valid_from",
            ),
            ("key,tags\n10.0.0.1,pci\n", "row 2, column \"tags\": \"pci\" is not name=value"),
            ("key,name\n10.0.0.1\n", "row 2: it has 1 columns, the header line has 2"),
        ] {
            assert_eq!(refusal(text), expected);
        }
        let error = read(b"key,name\n10.0.0.1,\xff\n", Interval::ALWAYS, 100).unwrap_err().to_string();
        assert_eq!(error, "row 2: column 2 is not UTF-8");
    }

    #[test]
    fn a_list_with_more_rows_than_allowed_is_refused() {
        let text = b"key\n10.0.0.1\n10.0.0.2\n";
        assert_eq!(read(text, Interval::ALWAYS, 2).unwrap().len(), 2);
        assert_eq!(read(text, Interval::ALWAYS, 1), Err(AssetError::TooManyRows { rows_max: 1 }));
    }
}
