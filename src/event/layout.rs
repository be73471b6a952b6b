//! A layout: which column or member of a stream's entries holds which field.

use std::sync::Arc;

use super::{Field, FieldSet};

/// Which column of an entry holds which field, in order. Learned once per stream, then shared by its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    columns: Vec<Column>,
    fields: FieldSet,
    form: Form,
    format: Arc<str>,
}

/// How an entry is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A line of columns with white space between them.
    Line,
    /// A JSON object whose members are the columns, in this order.
    Object,
}

/// One column of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// A field of the vocabulary, and its slot in an event's row.
    Known {
        /// The field.
        field: Field,
        /// Its slot in the row.
        slot: u8,
    },
    /// A name that the vocabulary does not hold; kept and passed through under that name.
    Extra(Arc<str>),
}

/// Why some column names make no layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// There is no column at all.
    #[error("the format names no field")]
    Empty,
    /// A field has two columns.
    #[error("the format names {0:?} twice")]
    Twice(String),
    /// More columns than any log has.
    #[error("the format names {0} fields, the most is {max}", max = Layout::COLUMNS_MAX)]
    TooMany(usize),
}

// === impl Layout ===

impl Layout {
    /// The most columns of one layout; AWS documents 54 fields.
    pub const COLUMNS_MAX: usize = 128;

    /// The layout whose columns have these names, as AWS writes them (hyphens or underscores), in order.
    ///
    /// # Errors
    /// When there is no name, too many, or one stands twice.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, LayoutError> {
        let names: Vec<&str> = names.into_iter().collect();
        if names.is_empty() {
            return Err(LayoutError::Empty);
        }
        if names.len() > Self::COLUMNS_MAX {
            return Err(LayoutError::TooMany(names.len()));
        }
        if let Some((_, name)) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name))
        {
            return Err(LayoutError::Twice((*name).to_owned()));
        }
        let mut fields = FieldSet::default();
        for field in names.iter().filter_map(|name| Field::from_name(name)) {
            if fields.contains(field) {
                return Err(LayoutError::Twice(field.info().name.to_owned()));
            }
            fields.insert(field);
        }
        let column =
            |name: &&str| match Field::from_name(name).and_then(|field| Some((field, fields.slot(field)?))) {
                Some((field, slot)) => Column::Known { field, slot: slot as u8 },
                None => Column::Extra((*name).into()),
            };
        let columns = names.iter().map(column).collect();
        let format = names.iter().map(|name| format!("${{{name}}}")).collect::<Vec<_>>().join(" ");
        Ok(Self { columns, fields, form: Form::Line, format: format.into() })
    }

    /// The layout of JSON objects whose members have these names, in order; a name as [`Layout::of_names`] has it.
    ///
    /// # Errors
    /// As [`Layout::of_names`].
    pub fn of_members<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, LayoutError> {
        let line = Self::of_names(names)?;
        Ok(Self { form: Form::Object, format: format!("JSON {}", line.format).into(), ..line })
    }

    /// The fourteen columns of AWS's default format, version 2.
    #[must_use]
    pub fn vpc_default() -> Self {
        let names = super::FIELDS.iter().filter(|row| row.version == 2).map(|row| row.name);
        Self::of_names(names).unwrap_or_else(|error| unreachable!("the default format is a layout: {error}"))
    }

    /// Its columns, in the order of the entry's.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The fields of the vocabulary that it has columns for: the slots of a row.
    #[must_use]
    pub fn fields(&self) -> FieldSet {
        self.fields
    }

    /// How its entries are written.
    #[must_use]
    #[inline]
    pub fn form(&self) -> Form {
        self.form
    }

    /// The format string that AWS would show for it: `${version} ${account-id} …`; for objects, `JSON` and the same.
    #[must_use]
    pub fn format(&self) -> &Arc<str> {
        &self.format
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_layout_is_awss_version_2() {
        let layout = Layout::vpc_default();
        assert_eq!(layout.columns().len(), 14);
        assert!(
            layout.format().starts_with("${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr}")
        );
        assert!(layout.format().ends_with("${start} ${end} ${action} ${log-status}"));
    }

    #[test]
    fn slots_follow_the_vocabulary_whatever_the_order_of_the_columns() {
        let layout = Layout::of_names(["bytes", "srcaddr", "made-up", "version"]).unwrap();
        let slots: Vec<_> = layout
            .columns()
            .iter()
            .map(|column| match column {
                Column::Known { slot, .. } => Some(*slot),
                Column::Extra(_) => None,
            })
            .collect();
        assert_eq!(slots, [Some(2), Some(1), None, Some(0)]);
    }

    #[test]
    fn objects_with_the_same_names_have_a_layout_of_their_own() {
        let (line, object) =
            (Layout::of_names(["srcAddr", "end"]).unwrap(), Layout::of_members(["srcAddr", "end"]).unwrap());
        assert_eq!(line.fields(), object.fields());
        assert_ne!(line.format(), object.format());
        assert_eq!((line.form(), object.form()), (Form::Line, Form::Object));
    }

    #[test]
    fn a_name_that_stands_twice_and_an_empty_format_are_refused() {
        assert_eq!(Layout::of_names([]), Err(LayoutError::Empty));
        assert_eq!(Layout::of_names(["bytes", "bytes"]), Err(LayoutError::Twice("bytes".into())));
        assert_eq!(
            Layout::of_names(["flow-direction", "flow_direction"]),
            Err(LayoutError::Twice("flow-direction".into()))
        );
    }
}
