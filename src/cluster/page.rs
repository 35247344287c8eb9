//! Lists, page by page: no more than a page of objects is held at a time.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use rayon::prelude::*;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    request::{RequestError, encode},
    server::{JSON, Server},
};

/// Objects a page holds, as kubectl asks for them.
const PAGE: usize = 500;
/// A list whose token expires more often than this changes faster than it can be read.
const RESTARTS: u32 = 5;

/// Which objects of a collection are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// `--selector`
    pub labels: Option<String>,
    /// `--field-selector`
    pub fields: Option<String>,
}

impl Filter {
    fn query(&self) -> String {
        let mut query = String::new();
        for (name, value) in [("labelSelector", &self.labels), ("fieldSelector", &self.fields)] {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={}", encode(value)));
            }
        }
        query
    }
}

/// What is read of every object of a list.
pub trait Glance: DeserializeOwned + Send {
    /// `metadata.uid`
    fn uid(&self) -> &str;
}

/// An object of a list.
#[derive(Debug)]
pub struct Listed<T> {
    /// What was read of it.
    pub glance: T,
    /// All of it, as the server sent it. Items of a list have no `apiVersion` and `kind`.
    pub raw: Box<RawValue>,
}

/// A list as the server sends it. `k8s_openapi::List` holds none but the API's types, and most items are kept as their
/// text here: as a tree of values a page takes ten times that.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct List<T> {
    #[serde(default)]
    pub(super) metadata: ListMeta,
    /// `null` for none, from servers written in Go.
    items: Option<Vec<T>>,
}

impl<T> List<T> {
    /// The token with which the server goes on; `None` at the end of the list.
    pub(super) fn next(&self) -> Option<String> {
        self.metadata.continue_.clone().filter(|token| !token.is_empty())
    }

    /// What it holds.
    pub(super) fn into_items(self) -> Vec<T> {
        self.items.unwrap_or_default()
    }
}

/// A list that is read page by page.
pub struct Pages<'s> {
    server: &'s Server,
    path: String,
    filter: Filter,
    next: Option<String>,
    ended: bool,
    restarts: u32,
    /// Hashes of the uids that were given out, which a list that starts again must not give out again.
    given: HashSet<u64>,
    remaining: u64,
}

impl<'s> Pages<'s> {
    /// The objects at the path of a collection.
    #[must_use]
    pub fn new(server: &'s Server, path: impl Into<String>, filter: &Filter) -> Self {
        Self {
            server,
            path: path.into(),
            filter: filter.clone(),
            next: None,
            ended: false,
            restarts: 0,
            given: HashSet::new(),
            remaining: 0,
        }
    }

    /// How many objects the server says are still to come; 0 where it does not say.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The objects of the next page; `None` after the last one. A list whose token has expired is started again,
    /// and gives only what it has not given yet.
    ///
    /// # Errors
    /// Where the server refuses or cannot be reached: what was given until then is not the whole list.
    pub async fn next<T: Glance>(&mut self) -> Result<Option<Vec<Listed<T>>>, RequestError> {
        if self.ended {
            return Ok(None);
        }
        let Page {
            next,
            remaining,
            mut items,
        } = loop {
            let mut path = format!("{}?limit={PAGE}{}", self.path, self.filter.query());
            if let Some(token) = &self.next {
                path.push_str(&format!("&continue={}", encode(token)));
            }
            match self.server.get_as(&path, JSON, decode::<T>).await {
                Ok(page) => break page,
                Err(error) if error.code() == Some(410) && self.next.is_some() => {
                    self.next = None;
                    self.restarts += 1;
                    if self.restarts > RESTARTS {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        };
        items.retain(|item| self.given.insert(hash(item.glance.uid())));
        self.remaining = remaining;
        self.next = next;
        self.ended = self.next.is_none();
        Ok(Some(items))
    }
}

fn hash(uid: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    uid.hash(&mut hasher);
    hasher.finish()
}

/// One page of a list.
struct Page<T> {
    next: Option<String>,
    remaining: u64,
    items: Vec<Listed<T>>,
}

fn decode<T: Glance>(text: &[u8]) -> serde_json::Result<Page<T>> {
    let list: List<&RawValue> = serde_json::from_slice(text)?;
    let next = list.next();
    let remaining = list.metadata.remaining_item_count.unwrap_or_default();
    let items: serde_json::Result<Vec<Listed<T>>> = list
        .into_items()
        .into_par_iter()
        .map(|raw| {
            Ok(Listed {
                glance: serde_json::from_str(raw.get())?,
                raw: raw.to_owned(),
            })
        })
        .collect();
    Ok(Page {
        next,
        remaining: remaining.try_into().unwrap_or_default(),
        items: items?,
    })
}
