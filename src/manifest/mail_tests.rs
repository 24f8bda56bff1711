use super::super::document::parse;
use super::super::source::SourceSet;
use super::*;

fn read(mail: &str) -> (Option<MailSettings>, Vec<String>) {
    let text =
        format!("[project]\nname = 'payments'\n[aws]\nregions = ['ap-northeast-2', 'us-east-1']\n{mail}");
    let (document, problems) = parse(&SourceSet::new("manifests", [("a.toml", text)]), &[]);
    let lines = problems
        .iter()
        .map(|d| {
            let hint = d.hint.iter().map(|hint| format!(" ({hint})"));
            let hint: String = hint.collect();
            format!("{} {}{hint}", d.place.as_ref().unwrap(), d.summary)
        })
        .collect();
    (document.settings.mail, lines)
}

#[test]
fn two_keys_are_enough() {
    let (mail, problems) = read("[mail]\nfrom = 'Ops <ops@ACME.com>'\nto = ['team@acme.com']\n");
    assert_eq!(problems, [""; 0]);
    let mail = mail.unwrap();
    assert_eq!(mail.from.to_string(), "Ops <ops@acme.com>");
    assert_eq!(mail.region.as_deref(), Some("ap-northeast-2"));
    assert_eq!((mail.owner_tag.as_str(), mail.owners, mail.language), ("owner", true, Language::En));
    assert!(mail.when_clean && mail.owner_domains.iter().eq(["acme.com"]));
}

#[test]
fn owners_may_be_where_the_teams_own_addresses_are() {
    let (mail, problems) = read(
        "[mail]\nfrom = 'ops@a.com'\nto = ['team@b.com']\ncc = ['boss@C.com']\nowner_domain = 'd.com'\n\
         default_owner = ['ops@e.com']\n",
    );
    assert_eq!(problems, [""; 0]);
    assert!(mail.unwrap().owner_domains.iter().eq(["a.com", "b.com", "c.com", "d.com", "e.com"]));
    let (_, problems) = read("[mail]\nfrom = 'o@a.com'\nto = ['t@a.com']\nowner_domains = ['*', 'b.com']\n");
    assert_eq!(
        problems,
        ["a.toml:8:18 \"*\" is not a domain (write what comes after the @, such as `acme.com`)"]
    );
}

#[test]
fn everything_is_read() {
    let (mail, problems) = read(
        "[mail]\nfrom = 'ops@acme.com'\nto = ['team@acme.com']\ncc = ['Lead <lead@acme.com>']\nregion = 'us-east-1'\n\
         subject = '[{{ project }}] {{ deletes + changes + fixes }} on {{ date }}'\nlanguage = 'ko'\n\
         owner_tag = 'Owner'\nowner_domain = 'Acme.com'\ndefault_owner = ['ops@acme.com']\nowners = false\n\
         owner_domains = ['b.com', 'SEOUL.acme.com']\nwhen_clean = false\n\
         configuration_set = 'audit'\ntemplate = 'mail.html'\ntext_template = 'mail.txt'\n",
    );
    assert_eq!(problems, [""; 0]);
    let mail = mail.unwrap();
    assert_eq!(mail.cc[0].name.as_deref(), Some("Lead"));
    assert_eq!(
        (mail.region.as_deref(), mail.language, mail.owners),
        (Some("us-east-1"), Language::Ko, false)
    );
    assert_eq!(mail.owner_domain.as_deref(), Some("acme.com"));
    assert!(
        mail.owner_domains.iter().eq(["acme.com", "b.com", "seoul.acme.com"]),
        "{:?}",
        mail.owner_domains
    );
    assert!(!mail.when_clean);
    assert_eq!(mail.template.unwrap().value, "mail.html");
    assert_eq!(mail.configuration_set.as_deref(), Some("audit"));
}

#[test]
fn every_fault_is_told_at_its_place() {
    let (mail, problems) = read(
        "[mail]\nfrom = 'ops'\nto = ['team@acme.com', 'a b@acme.com', 3]\nregion = 'seoul'\n\
         subject = '{{ projekt }}'\nlanguage = 'kr'\nowner_domain = '@acme.com'\nconfiguration_set = 'a b'\n\
         template = ' '\nowner = 'x'\ndefalt_owner = []\n",
    );
    assert_eq!(mail, None);
    assert_eq!(
        problems,
        [
            "a.toml:6:8 `from`: \"ops\" has no @ (write `ops@acme.com` or `Ops <ops@acme.com>`)",
            "a.toml:7:24 `to`: \"a b@acme.com\" cannot hold ' ' before its @ (write `ops@acme.com` or `Ops <ops@acme.com>`)",
            "a.toml:7:40 `to`: expected an address such as \"ops@acme.com\", found the number 3",
            "a.toml:9:11 `subject`: there is no variable `projekt` (did you mean `project`?)",
            "a.toml:10:12 `language` cannot be \"kr\" (did you mean `ko`?)",
            "a.toml:8:10 \"seoul\" is not a region's code (codes look like `ap-northeast-2`)",
            "a.toml:11:16 \"@acme.com\" is not a domain (write what comes after the @, such as `acme.com`)",
            "a.toml:12:21 \"a b\" is not a configuration set's name (names have up to 64 letters, digits, `-` and `_`)",
            "a.toml:13:12 the template's path is empty (leave the key out for opsform's own template)",
            "a.toml:14:1 unknown key `owner` in [mail] (did you mean `owners`?)",
            "a.toml:15:1 unknown key `defalt_owner` in [mail] (did you mean `default_owner`?)",
        ]
    );
}

#[test]
fn recipients_are_some_not_twice_and_not_too_many() {
    let (_, problems) = read("[mail]\nfrom = 'ops@acme.com'\nto = []\n");
    assert_eq!(problems, ["a.toml:7:6 `to` is empty (name at least one address)"]);
    let (_, problems) = read("[mail]\nfrom = 'o@acme.com'\nto = ['a@acme.com']\ncc = ['a@ACME.com']\n");
    assert_eq!(problems, ["a.toml:8:7 a@acme.com is listed twice"]);
    let many: Vec<String> = (0..51).map(|n| format!("'p{n}@acme.com'")).collect();
    let (_, problems) = read(&format!("[mail]\nfrom = 'o@acme.com'\nto = [{}]\n", many.join(", ")));
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("at most 50 recipients"), "{problems:?}");
}
