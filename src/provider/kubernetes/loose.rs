//! Any object as it comes: its metadata, and the rest unread. What an engine looks at beside its own objects is kept so.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    api::{Meta, Object},
    kind::Beside,
    request::Resource,
};

/// An object of which only the metadata is read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Loose {
    metadata: Meta,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Object for Loose {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

impl Loose {
    /// The same, of a kind that is known by what was asked.
    pub(super) fn of(self, resource: Resource) -> Beside {
        Beside { resource, metadata: self.metadata, body: Value::Object(self.rest) }
    }
}
