//! Asset lists as JSON: one array of objects, or one object after the other; each a row of our own or what AWS describes.

use serde_json::{Deserializer, Map, Value, value::RawValue};

use super::{AssetList, Draft, Interval, column, described};
use crate::enrich::error::AssetError;

/// The list in `bytes`, whose rows hold during `valid` where they do not say when.
///
/// # Errors
/// The first object or member that cannot be understood.
pub(super) fn read(bytes: &[u8], valid: Interval, rows_max: usize) -> Result<AssetList, AssetError> {
    let mut list = AssetList::default();
    let mut number = 0;
    let mut push = |object: &RawValue| {
        number += 1;
        if described::read(number, object, valid, &mut list.described)? {
            return list.check_len(rows_max);
        }
        let draft = draft(number, object, valid)?;
        list.push(number, draft, rows_max)
    };
    if bytes.trim_ascii_start().starts_with(b"[") {
        let objects: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|error| shape(&error))?;
        objects.into_iter().try_for_each(push)?;
    } else {
        for object in Deserializer::from_slice(bytes).into_iter::<&RawValue>() {
            push(object.map_err(|error| shape(&error))?)?;
        }
    }
    Ok(list)
}

/// The list of the one object in `bytes`, whose key is `key` where it says none.
#[cfg(feature = "kafka")]
pub(super) fn read_one(key: &str, bytes: &[u8], valid: Interval) -> Result<AssetList, AssetError> {
    let object: &RawValue = serde_json::from_slice(bytes).map_err(|error| shape(&error))?;
    let mut list = AssetList::default();
    if !described::read(1, object, valid, &mut list.described)? {
        let mut draft = draft(1, object, valid)?;
        if draft.key.is_none() {
            draft.set(1, "key", key)?;
        }
        list.push(1, draft, 1)?;
    }
    Ok(list)
}

fn draft(row: u64, object: &RawValue, valid: Interval) -> Result<Draft, AssetError> {
    let members: Map<String, Value> = serde_json::from_str(object.get())
        .map_err(|_| AssetError::Row { row, cause: "it is no JSON object".to_owned() })?;
    let mut draft = Draft::new(valid);
    for (name, value) in &members {
        match value {
            Value::Object(tags) if name == "tags" => {
                for (tag, value) in tags {
                    if let Some(text) = text(row, name, value)? {
                        draft.asset.tags.insert(tag.as_str().into(), text.into());
                    }
                }
            }
            _ if name == "tags" && !value.is_null() => return Err(column(row, name, "it is no object")),
            _ => {
                if let Some(text) = text(row, name, value)? {
                    draft.set(row, name, &text)?;
                }
            }
        }
    }
    Ok(draft)
}

/// What a member says as text; nothing where it is `null`.
fn text(row: u64, name: &str, value: &Value) -> Result<Option<String>, AssetError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(truth) => Ok(Some(truth.to_string())),
        Value::Array(_) | Value::Object(_) => Err(column(row, name, "it is no text, number or truth value")),
    }
}

fn shape(error: &serde_json::Error) -> AssetError {
    AssetError::Shape { cause: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_and_one_object_per_line_say_the_same() {
        let objects = [
            r#"{"key": "10.0.0.0/8", "name": "corp", "tags": {"env": "prod", "tier": 2}, "site": "b1", "owner": null}"#,
            r#"{"key": "i-1", "role": "db"}"#,
        ];
        let array = read(format!(" [{}]", objects.join(",")).as_bytes(), Interval::ALWAYS, 100).unwrap();
        let lines = read(objects.join("\n").as_bytes(), Interval::ALWAYS, 100).unwrap();
        for list in [array, lines] {
            assert_eq!(list.len(), 2);
            let asset = &list.rows[0].asset;
            assert_eq!((asset.name.as_deref(), &asset.owner), (Some("corp"), &None));
            let tags: Vec<_> = asset.tags.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(tags, [("env", "prod"), ("site", "b1"), ("tier", "2")]);
            assert_eq!((list.rows[1].row, list.rows[1].key.to_string()), (2, "i-1".to_owned()));
        }
    }

    #[test]
    fn an_error_names_object_and_member() {
        for (text, expected) in [
            (r#"[{"name": "a"}]"#, "row 1, column \"key\": it is empty"),
            (r#"[{"key": "i-1"}, 7]"#, "row 2: it is no JSON object"),
            (
                r#"{"key": "i-1", "name": ["a"]}"#,
                "row 1, column \"name\": it is no text, number or truth value",
            ),
            (r#"{"key": "i-1", "tags": "a=b"}"#, "row 1, column \"tags\": it is no object"),
            (
                r#"{"key": "i-1", "tags": {"a": {}}}"#,
                "row 1, column \"tags\": it is no text, number or truth value",
            ),
            (
                "{\"key\": \"i-1\"}\n{\"key\": \"web\"}",
                "row 2, column \"key\": \"web\" is no CIDR, no address and no id that begins with eni- or i-",
            ),
        ] {
            assert_eq!(read(text.as_bytes(), Interval::ALWAYS, 100).unwrap_err().to_string(), expected);
        }
        let cut = read(b"[{\"key\": \"i-1\"},\n {\"key\"", Interval::ALWAYS, 100).unwrap_err().to_string();
        assert!(cut.contains("line 2"), "{cut}");
    }

    #[test]
    fn a_list_with_more_objects_than_allowed_is_refused() {
        let text = br#"{"key": "i-1"} {"key": "i-2"}"#;
        assert_eq!(read(text, Interval::ALWAYS, 2).unwrap().len(), 2);
        assert_eq!(read(text, Interval::ALWAYS, 1), Err(AssetError::TooManyRows { rows_max: 1 }));
    }
}
