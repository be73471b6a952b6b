//! What each plain scalar is: by the rules of YAML, unless the schema wants text there, for then it is text.
//!
//! A port, an account id with leading zeros or a password of digits is text where text is wanted, quoted or not: a
//! config must not depend on what digits a substituted value happens to have.

use serde_json::Value;

use super::{
    scalar::Scalar,
    tree::{Leaf, Pair, Style, Tree},
    wanted,
};

/// Types every scalar of the tree by its style, its text and `schema`.
pub(super) fn resolve(tree: &mut Tree, schema: &Value) {
    walk(tree, schema, &wanted::alternatives(schema, schema));
}

fn walk(tree: &mut Tree, root: &Value, fits: &[&Value]) {
    match tree {
        Tree::Leaf(leaf) => leaf.scalar = scalar(leaf, fits),
        Tree::List { values, .. } => {
            for (index, value) in values.iter_mut().enumerate() {
                walk(value, root, &wanted::at_index(root, fits, index));
            }
        }
        Tree::Map { pairs, .. } => {
            for Pair { key, value } in pairs {
                walk(value, root, &wanted::at_key(root, fits, &key.text));
            }
        }
    }
}

fn scalar(leaf: &Leaf, fits: &[&Value]) -> Scalar {
    if leaf.style != Style::Plain {
        return Scalar::Text;
    }
    let scalar = Scalar::of_plain(&leaf.text);
    let kind = match scalar {
        // `~` in the file says "nothing"; in a variable it is a text like any other, unless nothing will do.
        Scalar::Null if leaf.written.is_none() => return scalar,
        Scalar::Null if leaf.text.is_empty() => "null",
        Scalar::Null | Scalar::Text => "string",
        Scalar::Bool(_) => "boolean",
        Scalar::Unsigned(_) | Scalar::Signed(_) => "integer",
        Scalar::Float(_) => "number",
    };
    let wants_text = !wanted::admits(fits, kind) || kind == "string";
    if wants_text && wanted::admits(fits, "string") { Scalar::Text } else { scalar }
}
