use super::super::document::parse;
use super::super::source::SourceSet;
use super::*;

fn read(report: &str) -> (Option<CostSettings>, Vec<String>) {
    let text = format!(
        "[project]\nname = 'payments'\n[aws]\nregions = ['ap-northeast-2', 'us-east-1']\n[[account]]\nname = 'prod'\n\
         role_arn = 'arn:aws:iam::111122223333:role/opsform'\n{report}"
    );
    let (document, problems) = parse(&SourceSet::new("manifests", [("a.toml", text)]), &[]);
    let lines = problems
        .iter()
        .map(|d| {
            let hint = d.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
            format!("{} {}{hint}", d.place.as_ref().unwrap(), d.summary)
        })
        .collect();
    (document.settings.cost, lines)
}

#[test]
fn everything_is_read() {
    let (cost, problems) = read(
        "[report.cost]\noutput = ['costs_{{ month }}.xlsx', 's3://acme-reports/{{ project }}/c_{{ date }}.JSON']\n\
         group_by = ['team', 'Team']\naccounts = ['prod']\nregions = ['us-east-1']\ncurrency_note = '1 USD = 1,380 KRW'\n",
    );
    assert_eq!(problems, [""; 0]);
    let cost = cost.unwrap();
    let day = Date::constant(2026, 2, 3);
    let names: Vec<String> = cost.output.iter().map(|one| one.name("payments", day).unwrap()).collect();
    assert_eq!(names, ["costs_2026-02.xlsx", "s3://acme-reports/payments/c_2026-02-03.JSON"]);
    assert_eq!(cost.output[1].undated("payments").unwrap(), "s3://acme-reports/payments/c_{{ date }}.JSON");
    assert_eq!((cost.output[0].format, cost.output[1].format), (ReportFormat::Xlsx, ReportFormat::Json));
    assert_eq!(cost.accounts, ["111122223333"]);
    assert_eq!((cost.group_by.len(), &*cost.regions), (2, &["us-east-1".to_owned()][..]));
    assert_eq!(cost.currency_note.as_deref(), Some("1 USD = 1,380 KRW"));
}

#[test]
fn one_output_needs_no_list_and_nothing_is_required() {
    let (cost, problems) = read("[report.cost]\noutput = 'a.csv'\n");
    assert_eq!((problems.len(), cost.unwrap().output[0].format), (0, ReportFormat::Csv));
    assert_eq!(read("[report.cost]\n").0, Some(CostSettings::default()));
    for how in ["AES256", "aws:kms", "alias/reports", "arn:aws:kms:us-east-1:111122223333:key/mrk-1"] {
        let (cost, problems) = read(&format!("[report.cost]\nencryption = '{how}'\n"));
        assert_eq!((problems.len(), cost.unwrap().encryption.as_deref()), (0, Some(how)));
    }
    assert_eq!(read("").0, None);
}

#[test]
fn every_fault_is_told_at_its_place() {
    let (_, problems) = read(
        "[report.cost]\noutput = ['a.pdf', 'b', '{{ day }}.csv', 'c.csv', 'c.csv', '{{ date.csv', '', '.csv']\n\
         group_by = []\naccounts = ['prd', '111122223333', 'prod']\nregions = ['us-east1', 'eu-west-1']\n\
         currency_note = ' '\nencryption = 'AES128'\ngroupby = ['x']\n",
    );
    assert_eq!(
        problems,
        [
            "a.toml:9:11 the ending of \"a.pdf\" tells no format (endings are .xlsx, .html, .htm, .csv and .json)",
            "a.toml:9:20 the ending of \"b\" tells no format (endings are .xlsx, .html, .htm, .csv and .json)",
            "a.toml:9:25 an output's name: there is no variable `day` (variables: `project`, `date`, `month`)",
            "a.toml:9:51 \"c.csv\" is listed twice",
            "a.toml:9:69 template syntax: unexpected end of input, expected end of variable block",
            "a.toml:9:75 the name of an output is empty (write a file such as `costs.xlsx`)",
            "a.toml:9:79 the ending of \".csv\" tells no format (endings are .xlsx, .html, .htm, .csv and .json)",
            "a.toml:10:12 `group_by` is empty (leave the key out)",
            "a.toml:11:13 there is no account \"prd\" (did you mean `prod`?)",
            "a.toml:11:36 \"prod\" is listed twice",
            "a.toml:12:12 \"us-east1\" is none of the regions under [aws] (did you mean `us-east-1`?)",
            "a.toml:12:24 \"eu-west-1\" is none of the regions under [aws] (regions: `ap-northeast-2`, `us-east-1`)",
            "a.toml:13:17 \" \" is not a note (write a sentence such as \"1 USD = 1,380 KRW\")",
            "a.toml:14:14 \"AES128\" is no encryption (write \"AES256\", \"aws:kms\" or a KMS key (its ARN, its id or `alias/…`); left out, the \
             bucket's default counts)",
            "a.toml:15:1 unknown key `groupby` in [report.cost] (allowed keys: `output`, `group_by`, `accounts`, `regions`, `currency_note`, \
             `encryption`)",
        ]
    );
}

#[test]
fn there_is_one_report() {
    let (_, problems) = read("[report.costs]\n[report.cost]\noutput = true\ngroupby = ['x']\n");
    assert_eq!(
        problems,
        [
            "a.toml:10:10 `output`: expected a file such as \"costs.xlsx\", or a list of them, found a boolean",
            "a.toml:11:1 unknown key `groupby` in [report.cost] (did you mean `group_by`?)",
            "a.toml:8:9 unknown key `costs` in [report] (allowed keys: `cost`)",
        ]
    );
}
