//! The keys of `[service]` that say what the API is.

use ::config::{Value, ValueKind};

use super::super::about::{About, Contact, Licence, ServerUrl};
use super::super::error::Faults;
use super::{Section, Setting};

impl Section {
    /// All that is said of the API, in this section itself.
    pub(super) fn about(&mut self, faults: &mut Faults) -> About {
        About {
            title: self.text("title", faults).map(|set| set.value),
            version: self.text("version", faults).map(|set| set.value),
            description: self.text("description", faults).map(|set| set.value),
            contact: self.contact(faults),
            licence: self.licence(faults),
            servers: self.servers(faults),
        }
    }

    fn contact(&mut self, faults: &mut Faults) -> Option<Contact> {
        let (value, path, source) = self.take("contact")?;
        let mut section = Self::open(value, path.clone(), faults)?;
        let contact = Contact {
            name: section.text("name", faults).map(|set| set.value),
            url: section.text("url", faults).map(|set| set.value),
            email: section.text("email", faults).map(|set| set.value),
        };
        section.close(faults);
        if contact == Contact::default() && !faults.blame(&path) {
            faults
                .add(path, source, "it says neither `name`, `url` nor `email`")
                .help("write contact = { name = \"…\", email = \"…\" }");
        }
        Some(contact)
    }

    /// An SPDX identifier, or a table with a name and a URL.
    fn licence(&mut self, faults: &mut Faults) -> Option<Licence> {
        let is_table = |value: &Value| matches!(value.kind, ValueKind::Table(_));
        if !self.table.get("licence").is_some_and(is_table) {
            let name = self.text("licence", faults)?.value;
            return Some(Licence { name, url: None });
        }
        let (value, path, source) = self.take("licence")?;
        let mut section = Self::open(value, path.clone(), faults)?;
        let name = section.text("name", faults);
        let url = section.text("url", faults);
        section.close(faults);
        if (name.is_none() || url.is_none()) && !faults.blame(&path) {
            let missing = if name.is_none() { "name" } else { "url" };
            faults
                .add(path, source, format!("`{missing}` is missing"))
                .help(
                    "write licence = { name = \"…\", url = \"https://…\" }, or an SPDX \
                       identifier alone, as in licence = \"MIT\"",
                );
        }
        Some(Licence {
            name: name?.value,
            url: Some(url?.value),
        })
    }

    fn servers(&mut self, faults: &mut Faults) -> Vec<ServerUrl> {
        let Some(Setting {
            value: urls,
            path,
            source,
        }) = self.words("servers", "[\"https://api.example.com\"]", faults)
        else {
            return Vec::new();
        };
        let servers = urls.iter().filter_map(|url| {
            let fault = |invalid| {
                let message = format!("`{url}` is not a valid server: {invalid}");
                faults.add(path.clone(), source, message);
            };
            url.parse().map_err(fault).ok()
        });
        servers.collect()
    }
}
