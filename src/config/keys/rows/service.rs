//! `[service]`, and what it has in common with modules.

use super::super::{Key, Rule, Scaffold, Section, Shape};
use super::text::{
    BASE_PATH, EMAIL, FILTER, NAME, NOT_BLANK, ORIGIN, SERVER, SERVICE_NAME, WEB_URL,
};
use super::{DURATION, sentence};

/// `[service]`
pub(crate) const SERVICE: Section = Section {
    id: "service",
    title: sentence("Service", "Serviço"),
    header: "[service]",
    about: sentence(
        "The service as a whole.",
        "O serviço como um todo.",
    ),
    keys: &[
        Key::new(
            "name",
            Shape::Text(&SERVICE_NAME),
            "The service's name, from which those of the stack and the function are made: at most 50 \
             letters, digits and `-`, beginning with a letter.",
            "O nome do serviço, do qual se formam os da stack e da função: no máximo 50 letras, \
             dígitos e `-`, começando por uma letra.",
        )
        .default("\"modulo\"")
        .example("\"rooms\"")
        .scaffold(Scaffold::Head(sentence(
            "the name of the stack and of the function",
            "o nome da stack e da função",
        ))),
        Key::new(
            "base_path",
            Shape::Text(&BASE_PATH),
            "What front doors put before the paths. The function takes it off, and puts it before the \
             paths in `Location`.",
"O que as portas de entrada põem antes dos caminhos. A função o retira, e o põe antes dos \
             caminhos em `Location`.",
)
        .example("\"/v1\""),
        Key::new(
            "docs",
            Shape::Boolean,
            "Whether `/_docs` and `/_openapi.json` are served.",
            "Se `/_docs` e `/_openapi.json` são servidos.",
        )
        .default("true")
        .example("false"),
        Key::new(
            "console",
            Shape::Boolean,
            "Whether `modulo serve` has the console, at `/_console`. The function never has it.",
            "Se `modulo serve` tem o console, em `/_console`. A função nunca o tem.",
        )
        .default("true")
        .example("false"),
        Key::new(
            "warm_up",
            Shape::Boolean,
            "Whether the function connects to DynamoDB before its first request.",
            "Se a função se conecta ao DynamoDB antes da primeira requisição.",
        )
        .default("true")
        .example("false"),
        Key::new(
            "access",
            Shape::Text(&NAME),
            "The guard of every module that names none.",
            "O guarda de todo módulo que não nomeia um.",
        )
        .example("\"main\""),
        Key::new(
            "cors",
            Shape::Table(&CORS),
            "Which pages of other origins may call from a browser. It holds for the function's own \
             paths, and for every module without `cors`.",
            "Quais páginas de outras origens podem chamar de um navegador. Vale para os caminhos da \
             própria função, e para todo módulo sem `cors`.",
        )
        .example("{ origins = [\"https://app.example.com\"] }"),
        Key::new(
            "log",
            Shape::Text(&FILTER),
            "How much is logged where `RUST_LOG` does not say it: `error`, `warn`, `info`, `debug`, \
             `trace` or `off`, or a level for each of some targets.",
            "Quanto é registrado se `RUST_LOG` não o diz: `error`, `warn`, `info`, `debug`, `trace` \
             ou `off`, ou um nível para cada um de alguns alvos.",
        )
        .default("\"info\"")
        .example("\"warn,modulo::request=info\""),
        Key::new(
            "metrics",
            Shape::Boolean,
            "Whether the function's log has metrics for CloudWatch.",
            "Se o log da função tem métricas para o CloudWatch.",
        )
        .default("true")
        .example("false"),
        Key::new(
            "server_timing",
            Shape::Boolean,
            "Whether answers have the header `Server-Timing`.",
            "Se as respostas têm o cabeçalho `Server-Timing`.",
        )
        .default("false")
        .example("true"),
        Key::new(
            "title",
            Shape::Text(&NOT_BLANK),
            "What the API's description calls the API.",
            "Como a descrição da API chama a API.",
        )
        .otherwise("the service's name", "o nome do serviço")
        .example("\"Rooms\""),
        Key::new(
            "version",
            Shape::Text(&NOT_BLANK),
            "The API's version, in its description.",
            "A versão da API, na descrição dela.",
        )
        .otherwise("modulo's version", "a versão do modulo")
        .example("\"1.4.0\""),
        Key::new(
            "description",
            Shape::Text(&NOT_BLANK),
            "What the API is for, in its description.",
            "Para que serve a API, na descrição dela.",
        )
        .example("\"The rooms of all our buildings.\""),
        Key::new(
            "contact",
            Shape::Table(&CONTACT),
            "Whom to ask about the API.",
            "A quem perguntar sobre a API.",
        )
        .example("{ name = \"Rooms team\", email = \"rooms@example.com\" }"),
        Key::new(
            "licence",
            Shape::Either(&[Shape::Text(&NOT_BLANK), Shape::Table(&LICENCE)]),
            "On which terms the API may be used: an SPDX identifier, or a name and a URL.",
            "Em que termos a API pode ser usada: um identificador SPDX, ou um nome e uma URL.",
        )
        .example("\"MIT\""),
        Key::new(
            "servers",
            Shape::List {
                of: &Shape::Text(&SERVER),
                fewest: 0,
                most: None,
            },
            "Where the API is, in its description: absolute URLs, or paths on the server that has \
             the description.",
            "Onde está a API, na descrição dela: URLs absolutas, ou caminhos no servidor que tem a \
             descrição.",
        )
        .example("[\"https://api.example.com\"]"),
    ],
    rule: Rule::Any,
};

const CONTACT: Section = Section {
    id: "contact",
    title: sentence("Contact", "Contato"),
    header: "[service.contact]",
    about: sentence(
        "Whom to ask about the API: one of these keys or more.",
        "A quem perguntar sobre a API: pelo menos uma destas chaves.",
    ),
    keys: &[
        Key::new(
            "name",
            Shape::Text(&NOT_BLANK),
            "A person, or an organisation.",
            "Uma pessoa, ou uma organização.",
        )
        .example("\"Rooms team\""),
        Key::new(
            "url",
            Shape::Text(&WEB_URL),
            "Their page.",
            "A página dela.",
        )
        .example("\"https://example.com/rooms\""),
        Key::new(
            "email",
            Shape::Text(&EMAIL),
            "Their address.",
            "O endereço dela.",
        )
        .example("\"rooms@example.com\""),
    ],
    rule: Rule::Some,
};

const LICENCE: Section = Section {
    id: "licence",
    title: sentence("Licence", "Licença"),
    header: "[service.licence]",
    about: sentence(
        "Terms that have no SPDX identifier.",
        "Termos que não têm um identificador SPDX.",
    ),
    keys: &[
        Key::new(
            "name",
            Shape::Text(&NOT_BLANK),
            "What the terms are called.",
            "Como se chamam os termos.",
        )
        .required()
        .example("\"Terms of use\""),
        Key::new(
            "url",
            Shape::Text(&WEB_URL),
            "Where they can be read.",
            "Onde podem ser lidos.",
        )
        .required()
        .example("\"https://example.com/terms\""),
    ],
    rule: Rule::Any,
};

pub(super) const CORS: Section = Section {
    id: "cors",
    title: sentence("Browsers", "Navegadores"),
    header: "[service.cors], [modules.NAME.cors]",
    about: sentence(
        "Which pages of other origins may call from a browser.",
        "Quais páginas de outras origens podem chamar de um navegador.",
    ),
    keys: &[
        Key::new(
            "origins",
            Shape::List {
                of: &Shape::Text(&ORIGIN),
                fewest: 0,
                most: None,
            },
            "The origins of these pages, each a scheme, a host and perhaps a port, as browsers send \
             it; `\"*\"` is every page, an empty list none.",
            "As origens dessas páginas, cada uma um esquema, um host e talvez uma porta, como os \
             navegadores a enviam; `\"*\"` é toda página, uma lista vazia nenhuma.",
        )
        .required()
        .example("[\"https://app.example.com\", \"http://localhost:5173\"]"),
        Key::new(
            "max_age",
            DURATION,
            "How long a browser need not ask again.",
            "Por quanto tempo um navegador não precisa perguntar de novo.",
        )
        .default("\"10m\"")
        .example("\"1h\""),
    ],
    rule: Rule::Any,
};
