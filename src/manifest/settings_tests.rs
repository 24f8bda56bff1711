use super::super::document::parse;
use super::super::source::SourceSet;
use super::*;

fn read(files: &[(&str, &str)]) -> (Settings, Vec<String>) {
    let (document, problems) = parse(&SourceSet::new("manifests", files.to_vec()), &[]);
    let lines = problems
        .iter()
        .map(|d| {
            let related = d.related.iter().map(|(place, what)| format!(" [{what} {place}]"));
            let related: String = related.collect();
            format!("{} {}{related}", d.place.as_ref().unwrap(), d.summary)
        })
        .collect();
    (document.settings, lines)
}

fn problems(text: &str) -> Vec<String> {
    read(&[("a.toml", text)]).1
}

const PROJECT: &str = "[project]\nname = \"payments\"\n";

#[test]
fn everything_is_read() {
    let (settings, problems) = read(&[
        ("a.toml", PROJECT),
        (
            "b.toml",
            "[aws]\nregions = ['ap-northeast-2', 'us-gov-west-1']\n[aws.rates]\nPutMetricAlarm = 30\n\
             [state]\npath = 'state/x.json'\n\
             [[account]]\nname = 'prod'\nrole_arn = 'arn:aws:iam::111122223333:role/path/ops'\nexternal_id = 'e'\n",
        ),
    ]);
    assert_eq!(problems, [""; 0]);
    assert_eq!(settings.project, "payments");
    let Regions::Listed(regions) = &settings.aws.regions else {
        panic!("{:?}", settings.aws.regions);
    };
    assert_eq!(regions.len(), 2);
    let rate = &settings.aws.rates["PutMetricAlarm"];
    assert!((rate.per_second - 30.0).abs() < f64::EPSILON);
    assert_eq!(rate.place.to_string(), "b.toml:4:1");
    let StatePlace::File(path) = settings.state else {
        panic!("{:?}", settings.state);
    };
    assert_eq!(path.value, "state/x.json");
    assert_eq!(settings.accounts[0].id, "111122223333");
    assert_eq!(settings.accounts[0].external_id.as_deref(), Some("e"));
}

#[test]
fn left_out_settings_have_defaults() {
    let (settings, problems) = read(&[("a.toml", PROJECT)]);
    assert_eq!(problems, [""; 0]);
    assert_eq!(settings.aws.regions, Regions::Default);
    let (settings, _) = read(&[("a.toml", &format!("{PROJECT}[aws]\nregions = ['all']"))]);
    assert_eq!(settings.aws.regions, Regions::All);
}

#[test]
fn a_plan_may_destroy_a_number_or_a_part() {
    let limit = |value: &str| {
        let (settings, problems) = read(&[("a.toml", &format!("{PROJECT}max_destroy = {value}"))]);
        (settings.max_destroy, problems)
    };
    assert_eq!(limit("10"), (Some(DestroyLimit::Count(10)), vec![]));
    assert_eq!(limit("'10%'"), (Some(DestroyLimit::Percent(10)), vec![]));
    for wrong in ["-1", "'101%'", "'ten'", "true", "0.5"] {
        let (limit, problems) = limit(wrong);
        assert_eq!(limit, None);
        assert!(problems[0].starts_with("a.toml:3:15 `max_destroy`: expected a number of"), "{problems:?}");
    }
}

#[test]
fn the_project_is_named_exactly_once() {
    assert_eq!(problems("[aws]"), ["manifests the manifest names no project"]);
    assert_eq!(
        read(&[("a.toml", PROJECT), ("b.toml", "\n[project]\nname = 'b'\n")]).1,
        ["b.toml:2:2 `[project]` is given twice [first given here a.toml:1:2]"]
    );
    assert_eq!(problems("[project]\n"), ["a.toml:1:1 [project] has no `name`"]);
    assert_eq!(problems("[[project]]\nname = 'a'\n"), ["a.toml:1:1 `project` is one table, found a list"]);
}

#[test]
fn the_projects_name_fits_a_tag_and_a_file() {
    let name = |name: &str| problems(&format!("[project]\nname = \"{name}\"\n"));
    assert_eq!(name("a b"), ["a.toml:2:8 the project's name cannot hold ' '"]);
    assert_eq!(name("a/b"), ["a.toml:2:8 the project's name cannot hold '/'"]);
    assert_eq!(name(".."), ["a.toml:2:8 the project's name cannot be dots alone"]);
    assert_eq!(name(""), ["a.toml:2:8 the project's name is empty"]);
    assert_eq!(name(&"x".repeat(129)), ["a.toml:2:8 the project's name has 129 characters, at most 128 fit"]);
    assert_eq!(name(&"x".repeat(128)), [""; 0]);
}

#[test]
fn regions_and_rates_are_checked_item_by_item() {
    assert_eq!(
        problems(&format!(
            "{PROJECT}[aws]\nregions = ['seoul', 'us-east-1', 'all', 'us-east-1']\nregion = 'x'\n\
             [aws.rates]\nPutMetricAlarm = 0\nputMetricAlarm = 3\nStopInstances = 'x'\n"
        )),
        [
            "a.toml:4:12 \"seoul\" is not a region's code",
            "a.toml:4:34 `all` stands alone",
            "a.toml:4:41 region `us-east-1` is listed twice [first listed here a.toml:4:21]",
            "a.toml:9:17 `rates.StopInstances`: expected a number, found the string \"x\"",
            "a.toml:5:1 unknown key `region` in [aws]",
        ]
    );
    assert_eq!(
        problems(&format!("{PROJECT}[aws.rates]\nPutMetricAlarm = 0\nputMetricAlarm = 3\n")),
        [
            "a.toml:4:18 the rate of `PutMetricAlarm` must be between 0.01 and 10,000",
            "a.toml:5:1 \"putMetricAlarm\" is not the name of an API operation",
        ]
    );
    assert_eq!(problems(&format!("{PROJECT}[aws]\nregions = []\n")), ["a.toml:4:11 `regions` is empty"]);
}

#[test]
fn regions_have_a_form() {
    for region in ["ap-northeast-2", "us-gov-west-1", "eusc-de-east-1", "il-central-1", "us-iso-east-1"] {
        assert!(is_region(region), "{region}");
    }
    for region in ["", "all", "us-east", "us-east-1a", "US-EAST-1", "1-2-3", "us--1", "us-east-1 "] {
        assert!(!is_region(region), "{region}");
    }
}

#[test]
fn accounts_are_checked_and_given_once() {
    let account = |name: &str, arn: &str| format!("[[account]]\nname = '{name}'\nrole_arn = '{arn}'\n");
    let arn = "arn:aws:iam::111122223333:role/opsform";
    assert_eq!(
        problems(&format!(
            "{PROJECT}{}{}{}{}[[account]]\nrole = 1\n",
            account("a", arn),
            account("a", "arn:aws:iam::444455556666:role/x"),
            account("b", arn),
            account("c", "arn:aws:iam::1111:user/x"),
        )),
        [
            "a.toml:14:12 \"arn:aws:iam::1111:user/x\" is not the ARN of a role",
            "a.toml:15:1 [[account]] has no `name`",
            "a.toml:15:1 [[account]] has no `role_arn`",
            "a.toml:16:1 unknown key `role` in [[account]]",
            "a.toml:6:1 two accounts are named `a` [the first one a.toml:3:1]",
            "a.toml:9:1 account 111122223333 is given twice [already here as `a` a.toml:3:1]",
        ]
    );
    assert_eq!(
        problems(&format!("{PROJECT}[account]\nname = 'a'\n")),
        ["a.toml:3:1 `account` is a list of blocks and needs two brackets"]
    );
}

#[test]
fn the_state_may_be_in_s3() {
    let state = |text: &str| read(&[("a.toml", &format!("{PROJECT}[state]\n{text}"))]);
    let (settings, problems) =
        state("s3 = { bucket = 'acme-opsform', key = 'a/b.json', region = 'eu-west-1', kms_key = 'k' }");
    assert_eq!(problems, [""; 0]);
    let StatePlace::S3(place) = settings.state else { panic!("{:?}", settings.state) };
    assert_eq!((&*place.bucket, &*place.key, &*place.region), ("acme-opsform", "a/b.json", "eu-west-1"));
    assert_eq!(place.kms_key.as_deref(), Some("k"));
    assert_eq!(
        state("path = 'x.json'\ns3 = { bucket = 'acme', key = 'k', region = 'eu-west-1' }").1,
        ["a.toml:4:8 the state has two places [the other one a.toml:5:1]"]
    );
    assert_eq!(
        state("s3 = { bucket = 'Acme', key = '/k', region = 'europe', buckets = 1 }").1,
        [
            "a.toml:4:17 \"Acme\" is not a bucket's name",
            "a.toml:4:31 \"/k\" is not an object's key",
            "a.toml:4:46 \"europe\" is not a region's code",
            "a.toml:4:56 unknown key `s3.buckets` in `s3`",
        ]
    );
    assert_eq!(state("s3 = { bucket = 'acme', key = 'k' }").1, ["a.toml:4:6 `s3` has no `s3.region`"]);
}
