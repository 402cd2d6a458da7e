//! One row a key of `modules.toml`.

use self::guard::GUARD;
pub(crate) use self::module::MODULE;
pub(crate) use self::service::SERVICE;
use self::text::{IDENTIFIER, NAME, SCOPE};
use super::{Key, Rule, Section, Sentence, Shape};

mod guard;
mod module;
mod service;
mod text;

const fn sentence(english: &'static str, portuguese: &'static str) -> Sentence {
    Sentence {
        english,
        portuguese,
    }
}

const DURATION: Shape = Shape::Duration { most: None };
const SCOPES: Shape = Shape::List {
    of: &Shape::Text(&SCOPE),
    fewest: 0,
    most: None,
};
const CLAIM_NAMES: Shape = Shape::List {
    of: &Shape::Text(&IDENTIFIER),
    fewest: 1,
    most: None,
};

/// The whole of it.
pub(crate) const FILE: Section = Section {
    id: "file",
    title: sentence("The file", "O arquivo"),
    header: "",
    about: sentence(
        "The modules of a service, and what they share.",
        "Os módulos de um serviço, e o que eles têm em comum.",
    ),
    keys: &[
        Key::new(
            "service",
            Shape::Table(&SERVICE),
            "The service as a whole.",
            "O serviço como um todo.",
        )
        .example("{ name = \"rooms\" }"),
        Key::new(
            "access",
            Shape::Named {
                name: &NAME,
                section: &GUARD,
                fewest: 0,
            },
            "The guards, each under a name by which modules refer to it.",
            "Os guardas, cada um sob um nome pelo qual os módulos se referem a ele.",
        )
        .example(
            "{ main = { jwt = { issuer = \"https://issuer.example.com/\", audience = \"modulo\" } } }",
        ),
        Key::new(
            "defaults",
            Shape::Table(&MODULE),
            "Keys of a module, for all modules that do not set them themselves.",
            "Chaves de um módulo, para todos os módulos que não as definem.",
        )
        .example("{ methods = [\"GET\", \"LIST\"] }"),
        Key::new(
            "modules",
            Shape::Named {
                name: &NAME,
                section: &MODULE,
                fewest: 1,
            },
            "The modules, one or more. A module's name is the first part of its paths: at most 100 \
             letters, digits, `-` and `_`, beginning with a letter or a digit.",
            "Os módulos, pelo menos um. O nome de um módulo é a primeira parte dos caminhos dele: no \
             máximo 100 letras, dígitos, `-` e `_`, começando por uma letra ou um dígito.",
        )
        .required()
        .example("{ rooms = { key = \"roomId\" } }"),
    ],
    rule: Rule::Any,
};
