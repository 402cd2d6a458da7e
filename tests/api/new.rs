//! `modulo new`: a module more, and all else as it was.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use crate::command::Folder;

fn text(folder: &Folder) -> String {
    std::fs::read_to_string(folder.path().join("modules.toml")).unwrap()
}

#[tokio::test]
async fn a_module_is_added_and_all_else_stays_to_the_byte() {
    for (before, gap) in [
        (
            "# Mine.\n[modules.a]  # first\nkey   =  'aId'\n\n# End.\n",
            "\n",
        ),
        ("[modules.a]\r\nkey = \"aId\"\r\n", "\r\n"),
        ("[modules]\na.key = \"aId\" # no newline", "\n\n"),
        ("[service]\nname = \"x\"\n", "\n"),
        ("", ""),
    ] {
        let folder = Folder::with(before);
        let file = folder.path().join("modules.toml");
        std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        let (status, stdout, stderr) = folder.run(&["new", "rooms"]).await;
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "of {before}");
        let after = text(&folder);
        let begin = format!("{before}{gap}[modules.rooms]");
        assert!(after.starts_with(&begin), "of {before}: {after}");
        let bare = after.replace("\r\n", "");
        assert_eq!(before.contains("\r\n"), after.contains("\r\n"));
        assert_eq!(before.contains("\r\n"), !bare.contains('\n'), "of {before}");
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let block = after[before.len()..].trim().replace("\r\n", "\n");
        assert!(stdout.contains(&block), "{stdout}");
        assert_eq!(folder.run(&["check"]).await.0, Some(0));
    }
}

#[tokio::test]
async fn the_lines_of_the_block_hold_without_their_marks() {
    let folder = Folder::with("");
    folder.run(&["new", "rooms"]).await;
    let added = text(&folder);
    let bare: Vec<_> = added
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.contains(" = ") => rest,
            _ => line,
        })
        .collect();
    assert_ne!(bare.join("\n"), added.trim_end());
    std::fs::write(folder.path().join("modules.toml"), bare.join("\n")).unwrap();
    let (status, _, stderr) = folder.run(&["check"]).await;
    assert_eq!(status, Some(0), "{stderr}");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_begun() {
    let folder = Folder::with("");
    std::fs::remove_file(folder.path().join("modules.toml")).unwrap();
    let (status, stdout, _) = folder.run(&["new", "rooms", "--key", "room \"id\""]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(stdout, @r#"
    added to modules.toml:

    [modules.rooms]
    key = "room \"id\""           # the table's partition key attribute, a string
    # Without its `#`, a line below holds.
    # methods = ["GET", "LIST"]   # what is served; all six if not said
    # max_bytes = 10_000          # of one document
    # envelope = "plain"          # answers are the document itself, not {"GET": {…}}
    # stamps = true               # items keep when they were created, and when and by whom they were last written
    # storage = "document"        # documents are kept as native attributes, not as text
    # ttl = "expiresAt"           # when an item expires: the attribute with the time in epoch seconds
    # default_ttl = "30d"         # when one expires that does not say so; needs `ttl`
    # retain = true               # the table outlives its stack; if not said, in every stage but "local"

    A running `modulo serve` mounts it at /rooms at once. A deployment creates its table in AWS.
    "#);
    let (_, stdout, _) = folder.run(&["routes"]).await;
    assert!(stdout.contains("rooms-local  room \"id\"\n"), "{stdout}");
}

#[tokio::test]
async fn what_can_not_be_added_leaves_the_file_as_it_was() {
    let modules = "[modules.rooms]\nkey = \"roomId\"\n";
    for (before, name, status, expected) in [
        (
            modules,
            "rooms",
            1,
            "modules.toml already has a module `rooms`; choose another name\n",
        ),
        ("[modules.a]\nkye = 1\ntable = 2\n", "b", 64, "3 errors\n"),
        ("[modules\n", "b", 64, "modules.toml:1:9: not TOML: "),
        (
            "defaults.table = 'all-{stage}'\nmodules.a.key = 'aId'\n",
            "b",
            64,
            "cannot add module `b`: ",
        ),
        (
            "modules = { a = { key = 'aId' } }\n",
            "b",
            64,
            "cannot add module `b`: ",
        ),
        (
            modules,
            "_b",
            2,
            "`_b` is reserved: paths that begin with `/_` are the function's own",
        ),
        (
            modules,
            "a b",
            2,
            "` ` is not possible in it; use letters, digits, `-` and `_`",
        ),
    ] {
        let folder = Folder::with(before);
        let (found, stdout, stderr) = folder.run(&["new", name]).await;
        assert_eq!(
            (found, stdout.as_str()),
            (Some(status), ""),
            "of {before}: {stderr}"
        );
        assert!(stderr.contains(expected), "of {before}: {stderr}");
        assert_eq!(text(&folder), before);
    }
}

#[tokio::test]
async fn a_running_server_mounts_it_at_once() {
    let folder = Folder::with("[modules.a]\nkey = \"aId\"\n");
    let mut served = folder.serve(&["--memory"]).await;
    assert_eq!(folder.run(&["new", "rooms"]).await.0, Some(0));
    served.line("these are the routes now").await;
    let answer = served.send("POST", "/rooms/1", "[1]").await;
    assert_eq!(answer.body, r#"{"POST":{"roomsId":"1","data":[1]}}"#);
}

/// Or it would be deployed to stage `local` only.
#[tokio::test]
async fn a_module_can_be_open_on_purpose() {
    let folder = Folder::with("[modules.a]\nkey = 'id'\n");
    let (status, stdout, _) = folder.run(&["new", "news", "--open"]).await;
    assert_eq!(status, Some(0));
    let line = "access = \"open\"               # open to everybody on purpose\n";
    assert!(stdout.contains(line), "{stdout}");
    let (_, stdout, _) = folder.run(&["check"]).await;
    insta::assert_snapshot!(stdout, @r#"
    modules.toml: 2 modules, no errors
    Open to everybody: a (see "Who may do what" in README.md).
    Open to everybody on purpose, by `access = "open"`: news.
    "#);
}

#[tokio::test]
async fn a_sort_key_is_written_beside_the_partition_key() {
    let folder = Folder::with("");
    let arguments = ["new", "bookings", "--key", "roomId", "--sort-key", "at"];
    let (status, _, stderr) = folder.run(&arguments).await;
    assert_eq!(status, Some(0), "{stderr}");
    let added = text(&folder);
    let line =
        r#"key = { partition = "roomId", sort = "at" } # the table's partition key and sort key"#;
    assert!(added.lines().any(|other| other == line), "{added}");
    assert_eq!(folder.run(&["check"]).await.0, Some(0));
    let before = text(&folder);
    let (status, _, stderr) = folder
        .run(&["new", "x", "--key", "a", "--sort-key", "a"])
        .await;
    assert_eq!(status, Some(64));
    assert!(
        stderr.contains("`a` is the partition key already"),
        "{stderr}"
    );
    assert_eq!(text(&folder), before);
}

#[tokio::test]
async fn its_comments_are_in_the_language_of_the_user() {
    let folder = Folder::empty();
    let new = folder
        .modulo(&["new", "rooms"])
        .env("LC_ALL", "pt_BR.UTF-8")
        .status();
    assert!(new.await.unwrap().success());
    folder.run(&["new", "courses", "--lang", "pt-BR"]).await;
    folder.run(&["new", "notes"]).await;
    let text = text(&folder);
    assert!(text.contains("\n# Os módulos deste serviço."), "{text}");
    assert_eq!(
        text.matches("# Sem o seu `#`, uma linha abaixo").count(),
        2,
        "{text}"
    );
    assert_eq!(
        text.matches("# Without its `#`, a line below").count(),
        1,
        "{text}"
    );
}
