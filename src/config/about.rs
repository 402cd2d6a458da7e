//! What `[service]` says of the API to those who read its description.

use std::str::FromStr;

use axum::http::Uri;

/// What the API's description says of the API as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// What the API is called; the service's name, if nothing else is said.
    pub title: Option<Text>,
    /// The API's version.
    pub version: Option<Text>,
    /// What it is for.
    pub description: Option<Text>,
    /// Whom to ask about it.
    pub contact: Option<Contact>,
    /// On which terms it may be used.
    pub licence: Option<Licence>,
    /// Where it is.
    pub servers: Vec<ServerUrl>,
}

/// Whom to ask about the API; at least one of these is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// A person, or an organisation.
    pub name: Option<Text>,
    /// Their page.
    pub url: Option<WebUrl>,
    /// Their address.
    pub email: Option<Email>,
}

/// On which terms the API may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licence {
    /// Its name; its SPDX identifier, where there is no URL.
    pub name: Text,
    /// Where it can be read.
    pub url: Option<WebUrl>,
}

/// Declares a text that `$check` makes sure of, which says what is wrong with one.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $check:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $name(String);

            impl $name {
                /// The text.
                #[must_use]
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl FromStr for $name {
                type Err = &'static str;

                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    $check(text).map(|()| Self(text.to_owned()))
                }
            }
        )*
    };
}

texts! {
    /// A text with something in it.
    Text: check_text;
    /// An absolute URL of the web.
    WebUrl: check_web_url;
    /// Where an API is: an absolute URL, or a path on the server that has the description.
    ServerUrl: check_server_url;
    /// An address of electronic mail.
    Email: check_email;
}

fn check_text(text: &str) -> Result<(), &'static str> {
    let is_blank = text.trim().is_empty();
    if is_blank { Err("it is empty") } else { Ok(()) }
}

fn check_web_url(text: &str) -> Result<(), &'static str> {
    let uri: Option<Uri> = text.parse().ok();
    let is_web = uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    is_web
        .then_some(())
        .ok_or("an absolute URL is needed, as in https://example.com/api")
}

fn check_server_url(text: &str) -> Result<(), &'static str> {
    let is_path = text.starts_with('/') && text.parse::<Uri>().is_ok();
    (is_path || check_web_url(text).is_ok())
        .then_some(())
        .ok_or("an absolute URL is needed, or a path, as in https://example.com/v1 or /v1")
}

fn check_email(text: &str) -> Result<(), &'static str> {
    let parts = text.split_once('@');
    let has_both = parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    (has_both && !text.contains(char::is_whitespace))
        .then_some(())
        .ok_or("an address is needed, as in api@example.com")
}
