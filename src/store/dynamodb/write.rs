//! One write of one row: what it puts, changes or removes, and on which condition.
//!
//! It isn't sent from here: the same write goes alone or in a transaction. Invariant: a refused write returns the row that refused it.

use super::call::{Failure, Tables};
use super::keys::Key;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure as OnRefusal, TransactWriteItem, Update};
use serde::Serialize;
use std::collections::HashMap;

/// A row as DynamoDB has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The key's attributes.
const PK: &str = "PK";
const SK: &str = "SK";

/// That there is no such row.
pub(super) const ABSENT: &str = "attribute_not_exists(PK)";

pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// An attribute that is a text.
pub(super) fn text_of(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

/// The attributes of a key.
pub(super) fn key_item(key: &Key) -> Item {
    HashMap::from([(PK.to_owned(), text(&key.pk)), (SK.to_owned(), text(&key.sk))])
}

/// One write of one row.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) key: Key,
    pub(super) action: Action,
    pub(super) condition: Option<&'static str>,
    pub(super) values: Item,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    /// The whole row, its key included.
    Put(Item),
    Update {
        set: Vec<&'static str>,
        remove: Vec<&'static str>,
    },
    Delete,
}

impl Write {
    /// Puts a whole row. Fields that are `None` have to be skipped by the record: a NULL counts as existing in conditions.
    pub(super) fn put(key: Key, record: &impl Serialize) -> Result<Self, Failure> {
        let mut item: Item = serde_dynamo::to_item(record).map_err(|_| Failure::Unreadable("a record that is no map"))?;
        item.extend(key_item(&key));
        Ok(Self::of(key, Action::Put(item)))
    }

    /// Changes attributes of a row, which is made where there is none.
    pub(super) fn update(key: Key) -> Self {
        Self::of(key, Action::Update { set: Vec::new(), remove: Vec::new() })
    }

    pub(super) fn delete(key: Key) -> Self {
        Self::of(key, Action::Delete)
    }

    fn of(key: Key, action: Action) -> Self {
        Self { key, action, condition: None, values: Item::new() }
    }

    /// In an update: the attribute gets this value, which the condition knows as `:name`.
    pub(super) fn set(mut self, name: &'static str, value: AttributeValue) -> Self {
        if let Action::Update { set, .. } = &mut self.action {
            set.push(name);
        }
        self.with(name, value)
    }

    /// In an update: the attribute goes away.
    pub(super) fn remove(mut self, name: &'static str) -> Self {
        if let Action::Update { remove, .. } = &mut self.action {
            remove.push(name);
        }
        self
    }

    /// The write happens only if this holds. It has attributes as `#name` and values as `:name`.
    pub(super) fn only_if(mut self, condition: &'static str) -> Self {
        self.condition = Some(condition);
        self
    }

    /// A value of the condition alone.
    pub(super) fn with(mut self, name: &'static str, value: AttributeValue) -> Self {
        self.values.insert(format!(":{name}"), value);
        self
    }

    /// `SET #a = :a, #b = :b REMOVE #c`
    pub(super) fn expression(&self) -> String {
        let Action::Update { set, remove } = &self.action else { return String::new() };
        let sets: Vec<String> = set.iter().map(|name| format!("#{name} = :{name}")).collect();
        let removes: Vec<String> = remove.iter().map(|name| format!("#{name}")).collect();
        let part = |verb: &str, list: Vec<String>| if list.is_empty() { String::new() } else { format!("{verb} {} ", list.join(", ")) };
        part("SET", sets) + &part("REMOVE", removes)
    }

    /// Every `#name` that is used, with the attribute it stands for. `None` where none is.
    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        let expressions = self.expression() + self.condition.unwrap_or_default();
        let names = expressions.split('#').skip(1).map(|rest| {
            let end = rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(rest.len());
            (format!("#{}", &rest[..end]), rest[..end].to_owned())
        });
        Some(names.collect()).filter(|names: &HashMap<_, _>| !names.is_empty())
    }

    pub(super) fn values(&self) -> Option<Item> {
        Some(self.values.clone()).filter(|values| !values.is_empty())
    }

    pub(super) fn condition(&self) -> Option<String> {
        self.condition.map(str::to_owned)
    }

    /// As a part of a transaction.
    pub(super) fn in_transaction(&self, tables: &Tables) -> Result<TransactWriteItem, Failure> {
        let (table, key) = (tables.name(self.key.table), key_item(&self.key));
        let built = match &self.action {
            Action::Put(item) => Put::builder()
                .table_name(table)
                .set_item(Some(item.clone()))
                .set_condition_expression(self.condition())
                .set_expression_attribute_names(self.names())
                .set_expression_attribute_values(self.values())
                .return_values_on_condition_check_failure(OnRefusal::AllOld)
                .build()
                .map(|put| TransactWriteItem::builder().put(put)),
            Action::Update { .. } => Update::builder()
                .table_name(table)
                .set_key(Some(key))
                .update_expression(self.expression())
                .set_condition_expression(self.condition())
                .set_expression_attribute_names(self.names())
                .set_expression_attribute_values(self.values())
                .return_values_on_condition_check_failure(OnRefusal::AllOld)
                .build()
                .map(|update| TransactWriteItem::builder().update(update)),
            Action::Delete => Delete::builder()
                .table_name(table)
                .set_key(Some(key))
                .set_condition_expression(self.condition())
                .set_expression_attribute_names(self.names())
                .set_expression_attribute_values(self.values())
                .return_values_on_condition_check_failure(OnRefusal::AllOld)
                .build()
                .map(|delete| TransactWriteItem::builder().delete(delete)),
        };
        built.map(|item| item.build()).map_err(|error| Failure::Unavailable(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::dynamodb::keys;
    use rooms::{ChannelId, UserId};

    #[test]
    fn an_update_names_each_attribute_once_whatever_word_it_is() {
        let write = Write::update(keys::marker(&UserId::new("u"), &ChannelId::new("c")))
            .set("read_seq", number(7))
            .remove("own")
            .only_if("attribute_not_exists(#read_seq) OR #read_seq < :read_seq");
        assert_eq!(write.expression(), "SET #read_seq = :read_seq REMOVE #own ");
        let names: Vec<String> = write.names().unwrap().into_values().collect();
        assert!(names.len() == 2 && names.contains(&"read_seq".to_owned()) && names.contains(&"own".to_owned()), "{names:?}");
        assert_eq!(write.values(), Some(Item::from([(":read_seq".to_owned(), number(7))])));
        assert_eq!(Write::delete(write.key).names(), None);
    }
}
