//! What the edits of `[service]` mean for clients.

use serde::{Deserialize, Serialize};

use super::Changes;
use super::cors::CorsDescription;
use crate::config::{Service, Telemetry};

/// `[service]`, where it is not the modules that have its effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServiceDescription {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base_path: Option<String>,
    docs: bool,
    /// Of the service's own paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cors: Option<CorsDescription>,
    warm_up: bool,
    telemetry: TelemetryDescription,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct TelemetryDescription {
    metrics: bool,
    server_timing: bool,
}

impl ServiceDescription {
    /// Takes it apart without `..`: a new key does not compile until it is said here whether a
    /// deployment can change something by it.
    pub(super) fn of(service: &Service) -> Self {
        let Service {
            name,
            base_path,
            docs,
            // The function has none.
            console: _,
            warm_up,
            cors,
            // Plans are of one stage.
            stage: _,
            telemetry,
            // What a description says of the API in its own words changes no call.
            about: _,
        } = service;
        let Telemetry {
            // Nor does how much is logged.
            log: _,
            metrics,
            server_timing,
        } = telemetry;
        Self {
            name: name.to_string(),
            base_path: base_path.as_ref().map(|path| path.as_str().to_owned()),
            docs: *docs,
            cors: cors.as_deref().map(CorsDescription::of),
            warm_up: *warm_up,
            telemetry: TelemetryDescription {
                metrics: *metrics,
                server_timing: *server_timing,
            },
        }
    }
}

impl Changes {
    pub(super) fn edited_service(
        &mut self,
        before: &ServiceDescription,
        after: &ServiceDescription,
    ) {
        let ServiceDescription {
            name,
            base_path,
            docs,
            cors,
            warm_up,
            telemetry,
        } = after;
        let TelemetryDescription {
            metrics,
            server_timing,
        } = telemetry;
        self.of("service");
        if before.name != *name {
            let edit = format!("name `{}` becomes `{name}`", before.name);
            let consequence = "a stack of its own is deployed, with other addresses, beside the \
                 one that is there";
            self.add(true, edit, consequence);
        }
        self.edited_base_path(before.base_path.as_deref(), base_path.as_deref());
        self.edited_switch(
            ("docs", before.docs, *docs),
            "everybody can read which modules there are, in `/_docs` and `/_openapi.json`",
            "`/_docs` and `/_openapi.json` answer 404",
        );
        self.edited_cors(before.cors.as_ref(), cors.as_ref());
        self.edited_switch(
            ("metrics", before.telemetry.metrics, *metrics),
            "CloudWatch counts requests",
            "CloudWatch no longer counts requests: a dashboard and its alarms see none",
        );
        self.edited_switch(
            (
                "server_timing",
                before.telemetry.server_timing,
                *server_timing,
            ),
            "answers say in `Server-Timing` what took how long",
            "answers no longer say what took how long",
        );
        self.edited_switch(
            ("warm_up", before.warm_up, *warm_up),
            "the function connects to DynamoDB as it starts",
            "the first request waits for the connection to DynamoDB",
        );
    }

    fn edited_base_path(&mut self, before: Option<&str>, after: Option<&str>) {
        if before == after {
            return;
        }
        if let Some(path) = before {
            let edit = format!("base_path is no longer `{path}`");
            self.add(
                true,
                edit,
                format!("requests below `{path}` are answered 404"),
            );
        }
        if let Some(path) = after {
            let edit = format!("base_path is `{path}`");
            self.add(
                false,
                edit,
                "requests are answered below it, and without it as before",
            );
        }
    }

    /// One that only `docs` breaks when it is turned off: clients read the description.
    fn edited_switch(&mut self, (name, before, after): (&str, bool, bool), on: &str, off: &str) {
        if before != after {
            let is_breaking = name == "docs" && !after;
            let consequence = if after { on } else { off };
            self.add(is_breaking, format!("{name} is now {after}"), consequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::deploy::plan::Plan;
    use crate::deploy::plan::tests::description;

    #[test]
    fn every_key_of_the_service_that_matters_to_clients_is_reported() {
        let with = |keys: &str| description(&format!("[service]\n{keys}\n[modules.a]\nkey = 'id'"));
        let (none, all) = (
            with(""),
            with(
                "name = 'rooms'
                base_path = '/v1'
                docs = false
                warm_up = false
                metrics = false
                server_timing = true
                log = 'debug'
                title = 'Rooms'",
            ),
        );
        insta::assert_snapshot!(Plan::new(&none, &all), @"
        BREAKS  service: name `modulo` becomes `rooms`
                a stack of its own is deployed, with other addresses, beside the one that is there
        ok      service: base_path is `/v1`
                requests are answered below it, and without it as before
        BREAKS  service: docs is now false
                `/_docs` and `/_openapi.json` answer 404
        ok      service: metrics is now false
                CloudWatch no longer counts requests: a dashboard and its alarms see none
        ok      service: server_timing is now true
                answers say in `Server-Timing` what took how long
        ok      service: warm_up is now false
                the first request waits for the connection to DynamoDB
        ");
        insta::assert_snapshot!(Plan::new(&with("base_path = '/v1'"), &with("base_path = '/v2'")), @"
        BREAKS  service: base_path is no longer `/v1`
                requests below `/v1` are answered 404
        ok      service: base_path is `/v2`
                requests are answered below it, and without it as before
        ");
        let cors = with("cors = { origins = ['https://app.example.com'] }");
        insta::assert_snapshot!(Plan::new(&none, &cors), @"
        ok      a, service: cors names `https://app.example.com` too
                pages of that origin may call from a browser
        ");
    }
}
