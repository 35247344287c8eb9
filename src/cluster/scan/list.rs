//! Several kinds listed side by side, page by page, with what could not be seen.

use futures::{StreamExt, stream};
use tokio::sync::{OnceCell, mpsc::Sender, watch};

use crate::cluster::{
    Collection, Filter, Glance, Listed, Pages, Server, names::namespaces_of, request::RequestError,
};

/// Kinds that are listed at the same time.
const AT_ONCE: usize = 4;

/// Names that are said of what was not seen.
const NAMED: usize = 5;

/// Something that was not seen, so that the result is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// What: `cronjobs.batch in namespace shop`.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// What a listing delivers.
#[derive(Debug)]
pub(super) enum Page<T> {
    /// Objects of the collection with that index.
    Items(usize, Vec<Listed<T>>),
    /// The collection with that index was listed to its end.
    Whole(usize),
    /// The collection with that index has no field that the selector asks for, so that it holds nothing that is
    /// selected.
    Unselectable(usize, Unseen),
    /// Something that was not seen.
    Unseen(Unseen),
}

/// Lists collections.
pub(super) struct Lister<'s> {
    pub(super) server: &'s Server,
    /// `None` for all.
    pub(super) namespace: Option<String>,
    pub(super) filter: Filter,
    pub(super) stop: watch::Receiver<bool>,
}

/// How the list of one collection in one place ended.
enum End {
    Whole,
    Stopped,
    Failed(RequestError),
}

impl Lister<'_> {
    /// Lists the collections, a few at a time.
    pub(super) async fn list<T: Glance>(
        &self,
        collections: Vec<(usize, Collection)>,
        sender: Sender<Page<T>>,
    ) {
        let namespaces = OnceCell::new();
        stream::iter(collections)
            .for_each_concurrent(AT_ONCE, |(index, collection)| {
                let (sender, namespaces) = (sender.clone(), &namespaces);
                async move {
                    let page = self.list_one(index, &collection, namespaces, &sender).await;
                    // Where nobody listens any more there is nobody to tell.
                    let _unheard = sender.send(page).await;
                }
            })
            .await;
    }

    async fn list_one<T: Glance>(
        &self,
        index: usize,
        collection: &Collection,
        namespaces: &OnceCell<Result<Vec<String>, RequestError>>,
        sender: &Sender<Page<T>>,
    ) -> Page<T> {
        let namespace = self.namespace.as_deref();
        match self.list_in(index, collection, namespace, sender).await {
            End::Whole => Page::Whole(index),
            End::Stopped => Page::Unseen(stopped(&self.place(collection, namespace))),
            End::Failed(error)
                if error.code() == Some(403) && namespace.is_none() && collection.namespaced =>
            {
                let known = namespaces.get_or_init(|| namespaces_of(self.server)).await;
                match known {
                    Ok(known) => self.list_each(index, collection, known, sender).await,
                    Err(_) => Page::Unseen(self.failed(collection, None, &error)),
                }
            }
            End::Failed(error) if self.is_unselectable(&error) => {
                Page::Unselectable(index, self.failed(collection, namespace, &error))
            }
            End::Failed(error) => Page::Unseen(self.failed(collection, namespace, &error)),
        }
    }

    /// What a server says of a kind that has no such field: 400, "not a known field selector".
    fn is_unselectable(&self, error: &RequestError) -> bool {
        error.code() == Some(400) && self.filter.fields.is_some()
    }

    /// The whole cluster may not be listed: one namespace after the other.
    async fn list_each<T: Glance>(
        &self,
        index: usize,
        collection: &Collection,
        namespaces: &[String],
        sender: &Sender<Page<T>>,
    ) -> Page<T> {
        let mut refused = Vec::new();
        let mut reason = String::new();
        for namespace in namespaces {
            match self.list_in(index, collection, Some(namespace), sender).await {
                End::Whole => {}
                End::Stopped => return Page::Unseen(stopped(&self.place(collection, None))),
                End::Failed(error) if self.is_unselectable(&error) => {
                    return Page::Unselectable(index, self.failed(collection, Some(namespace), &error));
                }
                End::Failed(error) => {
                    refused.push(namespace.as_str());
                    reason = error.to_string();
                }
            }
        }
        if refused.is_empty() {
            return Page::Whole(index);
        }
        let named = refused.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = match refused.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Page::Unseen(Unseen {
            what: format!(
                "{} in {} of {} namespaces ({named}{more})",
                name(collection),
                refused.len(),
                namespaces.len()
            ),
            reason,
        })
    }

    async fn list_in<T: Glance>(
        &self,
        index: usize,
        collection: &Collection,
        namespace: Option<&str>,
        sender: &Sender<Page<T>>,
    ) -> End {
        let mut stop = self.stop.clone();
        let mut pages = Pages::new(self.server, collection.path(namespace), &self.filter);
        loop {
            let page = tokio::select! {
                page = pages.next::<T>() => page,
                () = until_stopped(&mut stop) => return End::Stopped,
            };
            match page {
                Ok(Some(items)) => {
                    if sender.send(Page::Items(index, items)).await.is_err() {
                        return End::Stopped;
                    }
                }
                Ok(None) => return End::Whole,
                Err(error) => return End::Failed(error),
            }
        }
    }

    fn failed(&self, collection: &Collection, namespace: Option<&str>, error: &RequestError) -> Unseen {
        let reason = match error.code() {
            Some(404) => format!("{error}; the kind is gone since the server named it"),
            _ => error.to_string(),
        };
        Unseen {
            what: self.place(collection, namespace),
            reason,
        }
    }

    fn place(&self, collection: &Collection, namespace: Option<&str>) -> String {
        match namespace.filter(|_| collection.namespaced) {
            Some(namespace) => format!("{} in namespace {namespace}", name(collection)),
            None => name(collection),
        }
    }
}

pub(super) async fn until_stopped(stop: &mut watch::Receiver<bool>) {
    // Where nobody can stop it any more, it goes on.
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
}

pub(super) fn stopped(what: &str) -> Unseen {
    Unseen {
        what: what.to_owned(),
        reason: "interrupted before everything was looked at".to_owned(),
    }
}

/// `deployments.apps`, `pods`
fn name(collection: &Collection) -> String {
    if collection.group.is_empty() {
        collection.plural.clone()
    } else {
        format!("{}.{}", collection.plural, collection.group)
    }
}
