//! What of a table or of an index a list looks for.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Indexes, InvalidQuery};
use crate::item::id::Partition;
use crate::item::number::parse_number;
use crate::module::limits;
use crate::module::tenant::Tenant;
use crate::module::{Index, IndexKey, Key, KeyPart, KeyType, Module};

/// The items with one value in the partition key of the table or of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is looked into.
    pub of: Queried,
    /// The value of its partition key.
    pub partition: String,
    /// What its sort key must be.
    pub sort: Option<SortCondition>,
    /// Whether the greatest sort key comes first.
    pub descending: bool,
}

/// What a query looks into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queried {
    /// The table itself.
    Table,
    /// One of its indexes.
    Index(Index),
}

/// What a sort key must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortCondition {
    /// `=`, `<`, `<=`, `>` or `>=` a value.
    Compared(&'static str, String),
    /// From the first value to the second, both included.
    Between(String, String),
    /// A text with this beginning.
    BeginsWith(String),
}

/// The keys that the conditions of a list can be on.
#[derive(Clone, Copy)]
pub(super) enum Keys<'l> {
    /// The sort key of the table, in one partition.
    OfTable(&'l Partition, &'l KeyPart),
    /// Those of a module's indexes.
    OfIndexes(&'l Module),
}

impl Keys<'_> {
    /// The key and the operator that a parameter names, if it does.
    pub(super) fn condition(self, parameter: &str) -> Option<(&str, &'static str)> {
        let (name, operator) = match parameter.rsplit_once('.') {
            Some((name, word)) => (name, operator(word)?),
            None => (parameter, "="),
        };
        let is_key = match self {
            Self::OfTable(_, sort) => sort.attribute.as_str() == name,
            Self::OfIndexes(module) => {
                let mut keys = module.indexes().iter().flat_map(Index::keys);
                keys.any(|key| key.attribute.as_str() == name)
            }
        };
        is_key.then_some((name, operator))
    }

    /// The table alone has consistent reads, and the list of all of a tenant's items is an index's.
    pub(super) fn check_consistent(
        self,
        has_conditions: bool,
        tenant: Option<&Tenant>,
    ) -> Result<(), InvalidQuery> {
        match self {
            Self::OfIndexes(_) if has_conditions => Err(InvalidQuery::ConsistentIndex),
            Self::OfIndexes(_) if tenant.is_some() => Err(InvalidQuery::ConsistentTenant),
            Self::OfTable(..) | Self::OfIndexes(_) => Ok(()),
        }
    }

    /// What is looked for with these conditions.
    pub(super) fn query(
        self,
        conditions: Vec<Parameter<'_>>,
    ) -> Result<Option<Query>, InvalidQuery> {
        match self {
            Self::OfTable(partition, sort) => {
                Query::of_table(partition, sort, conditions).map(Some)
            }
            Self::OfIndexes(_) if conditions.is_empty() => Ok(None),
            Self::OfIndexes(module) => Query::of_index(conditions, module).map(Some),
        }
    }
}

/// The name and the value of a parameter.
pub(super) type Parameter<'q> = (Cow<'q, str>, Cow<'q, str>);

impl Query {
    /// The items of a table's partition, with these conditions on the sort key.
    fn of_table(
        partition: &Partition,
        sort: &KeyPart,
        parameters: Vec<Parameter<'_>>,
    ) -> Result<Self, InvalidQuery> {
        let keys = Keys::OfTable(partition, sort);
        let mut conditions = Vec::with_capacity(parameters.len());
        for (parameter, value) in parameters {
            let Some((name, operator)) = keys.condition(&parameter) else {
                return Err(InvalidQuery::Unknown {
                    parameter: parameter.into_owned(),
                    indexes: Indexes::of_partition(sort),
                });
            };
            let (key_type, limit) = (sort.key_type, limits::SORT_KEY_BYTES);
            conditions.push(sort_condition(key_type, limit, name, operator, value)?);
        }
        let several = |Several| InvalidQuery::Conditions {
            key: sort.attribute.to_string(),
            of: "the list of a partition",
        };
        Ok(Self {
            of: Queried::Table,
            partition: partition.as_str().to_owned(),
            sort: SortCondition::of(conditions).map_err(several)?,
            descending: false,
        })
    }

    /// The query that the parameters make of the one index that has all the keys which they name.
    fn of_index(parameters: Vec<Parameter<'_>>, module: &Module) -> Result<Self, InvalidQuery> {
        let mut partition = None;
        let mut conditions: Vec<(Cow<'_, str>, &'static str, Cow<'_, str>)> = Vec::new();
        for (parameter, value) in parameters {
            let Some((name, operator)) = Keys::OfIndexes(module).condition(&parameter) else {
                return Err(InvalidQuery::Unknown {
                    parameter: parameter.into_owned(),
                    indexes: Indexes::of(module),
                });
            };
            conditions.push((name.to_owned().into(), operator, value));
        }
        let named: HashSet<&str> = conditions.iter().map(|(name, ..)| &**name).collect();
        let serves = |index: &&Index| {
            named.contains(index.partition.attribute.as_str())
                && index
                    .keys()
                    .filter(|key| named.contains(key.attribute.as_str()))
                    .count()
                    == named.len()
        };
        let no_index = || InvalidQuery::NoIndex(Indexes::of(module));
        let index = module.indexes().iter().find(serves).ok_or_else(no_index)?;

        let [partition_limit, sort_limit] = module.index_key_limits();
        let mut sorts = Vec::new();
        for (name, operator, value) in conditions {
            if *name == *index.partition.attribute.as_str() {
                if operator != "=" {
                    return Err(no_index());
                }
                let key_type = index.partition.key_type;
                partition = Some(key_value(key_type, partition_limit, &name, value)?);
            } else if let Some(sort) = &index.sort {
                let key_type = sort.key_type;
                sorts.push(sort_condition(
                    key_type, sort_limit, &name, operator, value,
                )?);
            }
        }
        let several = |Several| {
            let sort = index.sort.as_ref().map(|sort| sort.attribute.to_string());
            InvalidQuery::Conditions {
                key: sort.unwrap_or_default(),
                of: "an index",
            }
        };
        Ok(Self {
            of: Queried::Index(index.clone()),
            partition: partition.ok_or_else(no_index)?,
            sort: SortCondition::of(sorts).map_err(several)?,
            descending: false,
        })
    }

    /// The index that it looks into, unless that is the table.
    #[must_use]
    pub fn index(&self) -> Option<&Index> {
        match &self.of {
            Queried::Table => None,
            Queried::Index(index) => Some(index),
        }
    }

    /// The sort key of its index, which the id of an item does not have.
    #[must_use]
    pub fn index_sort(&self) -> Option<&IndexKey> {
        self.index()?.sort.as_ref()
    }

    /// The attribute that it is sorted by, with its type; `key` is that of the table.
    pub(crate) fn sort_key<'q>(&'q self, key: &'q Key) -> Option<(&'q str, KeyType)> {
        match &self.of {
            Queried::Table => {
                let sort = key.sort()?;
                Some((sort.attribute.as_str(), sort.key_type))
            }
            Queried::Index(index) => {
                let sort = index.sort.as_ref()?;
                Some((sort.attribute.as_str(), sort.key_type))
            }
        }
    }

    /// Whether what it finds is in the order of a sort key.
    pub(super) fn is_sorted(&self) -> bool {
        self.index().is_none_or(|index| index.sort.is_some())
    }

    /// All of it as one text.
    pub(super) fn fingerprint_text(&self) -> String {
        let (partition, sort, descending) = (&self.partition, &self.sort, self.descending);
        match self.index() {
            Some(index) => format!("{:?}", (&index.name, partition, sort, descending)),
            None => format!("{:?}", (partition, sort, descending)),
        }
    }
}

const BEGINS_WITH: &str = "begins_with";

fn operator(word: &str) -> Option<&'static str> {
    match word {
        "eq" => Some("="),
        "lt" => Some("<"),
        "le" => Some("<="),
        "gt" => Some(">"),
        "ge" => Some(">="),
        "begins_with" => Some(BEGINS_WITH),
        _ => None,
    }
}

/// The operator and the value of a condition on a sort key.
fn sort_condition(
    key_type: KeyType,
    limit: usize,
    name: &str,
    operator: &'static str,
    value: Cow<'_, str>,
) -> Result<(&'static str, String), InvalidQuery> {
    if operator == BEGINS_WITH && key_type == KeyType::N {
        return Err(InvalidQuery::Value {
            parameter: format!("{name}.begins_with"),
            value: value.into_owned(),
            expected: "a comparison of numbers".to_owned(),
        });
    }
    Ok((operator, key_value(key_type, limit, name, value)?))
}

/// The value of a parameter for a key of this type, whose values have at most `limit` bytes.
fn key_value(
    key_type: KeyType,
    limit: usize,
    name: &str,
    value: Cow<'_, str>,
) -> Result<String, InvalidQuery> {
    key_type
        .parse(&value, limit)
        .ok_or_else(|| InvalidQuery::Value {
            parameter: name.to_owned(),
            value: value.into_owned(),
            expected: match key_type {
                KeyType::S => format!("a text of 1 to {limit} bytes"),
                KeyType::N => "a number".to_owned(),
            },
        })
}

impl KeyType {
    /// The value of a key as DynamoDB is to have it; a number in plain form, in which DynamoDB
    /// takes every number that it can hold.
    pub(super) fn parse(self, text: &str, limit: usize) -> Option<String> {
        match self {
            Self::S => (1..=limit).contains(&text.len()).then(|| text.to_owned()),
            Self::N => parse_number(text),
        }
    }
}

/// More conditions than DynamoDB takes.
struct Several;

impl SortCondition {
    fn of(conditions: Vec<(&'static str, String)>) -> Result<Option<Self>, Several> {
        let mut conditions = conditions.into_iter();
        Ok(
            match (conditions.next(), conditions.next(), conditions.next()) {
                (None, ..) => None,
                (Some((BEGINS_WITH, prefix)), None, _) => Some(Self::BeginsWith(prefix)),
                (Some((operator, value)), None, _) => Some(Self::Compared(operator, value)),
                (Some((">=", least)), Some(("<=", most)), None)
                | (Some(("<=", most)), Some((">=", least)), None) => {
                    Some(Self::Between(least, most))
                }
                _ => return Err(Several),
            },
        )
    }
}
