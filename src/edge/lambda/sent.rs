//! The members of events that are read, as they are sent. All kinds of events have theirs here, and
//! what a kind has not is absent: so an event is read once, before it is known what it is.
//!
//! A member that is null is as good as absent.

use std::fmt;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// An event.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Sent {
    pub(super) version: Option<String>,
    #[serde(deserialize_with = "method")]
    pub(super) http_method: Option<Method>,
    /// Of a REST API, and of a load balancer.
    pub(super) path: Option<String>,
    pub(super) raw_path: Option<String>,
    pub(super) raw_query_string: Option<String>,
    /// The route that the path matched, with its method before it; of a REST API, the resource.
    pub(super) route_key: Option<String>,
    pub(super) resource: Option<String>,
    /// The values of a route's parameters.
    pub(super) path_parameters: Option<Pairs>,
    pub(super) query_string_parameters: Option<Pairs>,
    pub(super) multi_value_query_string_parameters: Option<Pairs>,
    pub(super) headers: Option<Headers>,
    pub(super) multi_value_headers: Option<Headers>,
    pub(super) request_context: Option<Context>,
    pub(super) body: Option<String>,
    pub(super) is_base64_encoded: Option<bool>,
}

/// What the front door says of the request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Context {
    pub(super) http: Option<Http>,
    pub(super) elb: Option<IgnoredAny>,
    pub(super) api_id: Option<String>,
    pub(super) stage: Option<String>,
    pub(super) domain_name: Option<String>,
    pub(super) identity: Option<Identity>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Http {
    #[serde(deserialize_with = "method")]
    pub(super) method: Option<Method>,
    pub(super) source_ip: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Identity {
    pub(super) source_ip: Option<String>,
}

/// An empty name stands for GET, as in what AWS's consoles send to try a function.
fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Method>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    let method = name.map(|name| match &*name {
        "" => Ok(Method::GET),
        name => name.parse().map_err(D::Error::custom),
    });
    method.transpose()
}

/// One value, or several, or none.
enum Values {
    One(String),
    All(Vec<String>),
    None,
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or several")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Values, E> {
                Ok(Values::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Values, A::Error> {
                let mut all = Vec::new();
                while let Some(text) = texts.next_element()? {
                    all.push(text);
                }
                Ok(Values::All(all))
            }

            fn visit_unit<E: Error>(self) -> Result<Values, E> {
                Ok(Values::None)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// Names and values, in the order in which they are sent.
#[derive(Debug, Default)]
pub(super) struct Pairs(pub(super) Vec<(String, String)>);

impl Pairs {
    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let (_, value) = pairs.find(|(own, _)| own == name)?;
        Some(value)
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, values)) = map.next_entry::<String, Values>()? {
                    match values {
                        Values::One(value) => pairs.push((name, value)),
                        Values::All(values) => {
                            pairs.extend(values.into_iter().map(|value| (name.clone(), value)));
                        }
                        Values::None => {}
                    }
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(All)
    }
}

/// A header's name.
struct Name(HeaderName);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a header")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
                let name = HeaderName::from_bytes(text.as_bytes());
                name.map(Name).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// A request's headers.
#[derive(Debug, Default)]
pub(super) struct Headers(pub(super) HeaderMap);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut headers = HeaderMap::new();
                let value = |text| HeaderValue::try_from(text).map_err(A::Error::custom);
                while let Some((Name(name), values)) = map.next_entry::<Name, Values>()? {
                    match values {
                        Values::One(text) => drop(headers.insert(name, value(text)?)),
                        Values::All(texts) => {
                            for text in texts {
                                headers.append(&name, value(text)?);
                            }
                        }
                        Values::None => {}
                    }
                }
                Ok(Headers(headers))
            }
        }

        deserializer.deserialize_map(All)
    }
}
