//! `[access.NAME]`

use super::super::{Key, Rule, Section, Shape};
use super::text::{
    IDENTIFIER, ISSUER_URL, KEY_HASH, KEY_SOURCE, NAME, PARAMETER, PLAIN_CLAIM, SECRET, TENANT,
};
use super::{CLAIM_NAMES, SCOPES, sentence};

pub(super) const GUARD: Section = Section {
    id: "guard",
    title: sentence("Guards", "Guardas"),
    header: "[access.NAME]",
    about: sentence(
        "Who may call: the holders of an issuer's tokens, or of API keys. A guard has one of these \
         two keys.",
        "Quem pode chamar: os portadores de tokens de um emissor, ou de chaves de API. Um guarda tem \
         uma destas duas chaves.",
    ),
    keys: &[
        Key::new(
            "jwt",
            Shape::Table(&JWT),
            "An issuer of JSON Web Tokens.",
            "Um emissor de JSON Web Tokens.",
        )
        .example("{ issuer = \"https://issuer.example.com/\", audience = \"modulo\" }"),
        Key::new(
            "keys",
            Shape::List {
                of: &Shape::Table(&API_KEY),
                fewest: 1,
                most: None,
            },
            "API keys, no two with the same name or hash.",
            "Chaves de API, sem duas com o mesmo nome ou hash.",
        )
        .example(
            "[{ name = \"erp\", hash = \"sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e\" }]",
        ),
    ],
    rule: Rule::One,
};

const JWT: Section = Section {
    id: "jwt",
    title: sentence("Tokens", "Tokens"),
    header: "[access.NAME.jwt]",
    about: sentence(
        "An issuer of JSON Web Tokens. Without `jwks` and `secret`, the issuer says where its keys \
         are, in `<issuer>/.well-known/openid-configuration`.",
        "Um emissor de JSON Web Tokens. Sem `jwks` e `secret`, o emissor diz onde estão as chaves \
         dele, em `<issuer>/.well-known/openid-configuration`.",
    ),
    keys: &[
        Key::new(
            "issuer",
            Shape::Text(&IDENTIFIER),
            "What the tokens' `iss` is, to the letter.",
            "O que é o `iss` dos tokens, letra por letra.",
        )
        .required()
        .example("\"https://issuer.example.com/\""),
        Key::new(
            "audience",
            Shape::Either(&[
                Shape::Text(&IDENTIFIER),
                Shape::List {
                    of: &Shape::Text(&IDENTIFIER),
                    fewest: 1,
                    most: None,
                },
            ]),
            "What the tokens' `aud` has, or a list of which it has one. Of a token without `aud`, what \
             its `client_id` is.",
            "O que o `aud` dos tokens tem, ou uma lista da qual ele tem um. Num token sem `aud`, o que \
             é o `client_id` dele.",
        )
        .required()
        .example("\"modulo\""),
        Key::new(
            "leeway",
            Shape::Duration { most: Some(10) },
            "How far the issuer's clock may be off, ten minutes at the most.",
            "Quanto o relógio do emissor pode estar errado, no máximo dez minutos.",
        )
        .default("\"60s\"")
        .example("\"2m\""),
        Key::new(
            "scopes_claim",
            Shape::Either(&[Shape::Text(&PLAIN_CLAIM), CLAIM_NAMES]),
            "The claim that has a token's scopes: its name, or the names that lead to a member of a \
             claim, from the outside in. The standard claims do not count then.",
            "O claim que tem os scopes de um token: o nome dele, ou os nomes que levam a um membro de \
             um claim, de fora para dentro. Os claims padrão então não contam.",
        )
        .otherwise("`scope` and `scp`", "`scope` e `scp`")
        .example("[\"realm_access\", \"roles\"]"),
        Key::new(
            "jwks",
            Shape::Text(&KEY_SOURCE),
            "The issuer's public keys (RS256, ES256, EdDSA): a URL, `https` but on this machine, or \
             the path of a JSON file below the folder of `modules.toml`.",
            "As chaves públicas do emissor (RS256, ES256, EdDSA): uma URL, `https` a não ser nesta \
             máquina, ou o caminho de um arquivo JSON abaixo da pasta de `modules.toml`.",
        )
        .otherwise("found by `issuer`", "achadas por `issuer`")
        .example("\"https://issuer.example.com/.well-known/jwks.json\""),
        Key::new(
            "secret",
            Shape::Table(&SECRET_PLACE),
            "In place of `jwks`: where the secret is that is shared with the issuer (HS256). It has 32 bytes \
             or more.",
"No lugar de `jwks`: onde está o segredo compartilhado com o emissor (HS256). Ele tem 32 bytes \
             ou mais.",
)
        .example("{ env = \"JWT_SECRET\" }"),
    ],
    rule: Rule::NotBoth {
        keys: ["jwks", "secret"],
        neither: ("issuer", &ISSUER_URL),
    },
};

pub(super) const SECRET_PLACE: Section = Section {
    id: "secret",
    title: sentence("Secrets", "Segredos"),
    header: "[access.NAME.jwt.secret], [modules.NAME.webhooks.secret]",
    about: sentence(
        "Where a secret is: one of these keys.",
        "Onde está um segredo: uma destas chaves.",
    ),
    keys: &[
        Key::new(
            "env",
            Shape::Text(&IDENTIFIER),
            "A variable of the function's environment.",
            "Uma variável de ambiente da função.",
        )
        .example("\"JWT_SECRET\""),
        Key::new(
            "ssm",
            Shape::Text(&PARAMETER),
            "A `SecureString` parameter of Systems Manager.",
            "Um parâmetro `SecureString` do Systems Manager.",
        )
        .example("\"/modulo/jwt\""),
        Key::new(
            "secretsmanager",
            Shape::Text(&SECRET),
            "A secret of Secrets Manager, by its name.",
            "Um segredo do Secrets Manager, pelo nome.",
        )
        .example("\"modulo/jwt\""),
    ],
    rule: Rule::One,
};

const API_KEY: Section = Section {
    id: "api-key",
    title: sentence("API keys", "Chaves de API"),
    header: "[[access.NAME.keys]]",
    about: sentence(
        "An API key. `modulo key NAME` makes one, and prints the line for it.",
        "Uma chave de API. `modulo key NAME` faz uma, e mostra a linha dela.",
    ),
    keys: &[
        Key::new(
            "name",
            Shape::Text(&NAME),
            "Whose key it is.",
            "De quem é a chave.",
        )
        .required()
        .example("\"erp\""),
        Key::new(
            "hash",
            Shape::Text(&KEY_HASH),
            "The key's SHA-256. Hashes of keys that everybody knows are refused.",
            "O SHA-256 da chave. Hashes de chaves que todos conhecem são recusados.",
        )
        .required()
        .example("\"sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e\""),
        Key::new(
            "scopes",
            SCOPES,
            "What its owner may do.",
            "O que o dono dela pode fazer.",
        )
        .default("[]")
        .example("[\"rooms:write\"]"),
        Key::new(
            "tenant",
            Shape::Text(&TENANT),
            "The tenant that its owner is of, in modules that have `tenant`.",
            "O inquilino do dono dela, em módulos que têm `tenant`.",
        )
        .example("\"acme\""),
    ],
    rule: Rule::Any,
};
