use super::*;

fn grid(name: &str, rows: &[&[&str]]) -> Grid {
    let cells = |row: &&[&str]| row.iter().map(|cell| CellValue::of_text(cell)).collect();
    Grid { name: Some(name.into()), rows: rows.iter().map(cells).collect() }
}

fn names() -> Names<'static> {
    static NONE: BTreeSet<String> = BTreeSet::new();
    Names {
        shown: "운영/Shop Alarms 2026.xlsx",
        file: "../Shop Alarms 2026.xlsx",
        sheet: None,
        labels: &NONE,
    }
}

#[test]
fn a_korean_sheet_becomes_two_blocks() {
    let sheet = grid(
        "알람",
        &[
            &["알람 목록"],
            &[],
            &[
                "번호",
                "알람명",
                "네임스페이스",
                "지표",
                "인스턴스 ID",
                "경로",
                "통계",
                "기간(분)",
                "평가\n기간",
                "조건",
                "임계치",
                "단위",
                "알림",
                "비고",
                "태그:담당",
            ],
            &[
                "1",
                "web cpu",
                "AWS/EC2",
                "CPUUtilization",
                "i-0123456789abcdef0",
                "",
                "평균",
                "5",
                "3/5",
                "이상",
                "80%",
                "%",
                "ops, dev",
                "x",
                "kim",
            ],
            &[
                "2",
                "db disk",
                "CWAgent",
                "disk_used_percent",
                "i-0123456789abcdef1",
                "/",
                "최대",
                "1",
                "2",
                "초과",
                "90%",
                "%",
                "",
                "",
                "lee",
            ],
        ],
    );
    let list = alarm_list(&[sheet, grid("memo", &[&["a", "b"]])], &names()).unwrap();
    assert_eq!((list.rows, &list.unused[..]), (2, &["단위".to_owned(), "비고".to_owned()][..]));
    insta::assert_snapshot!(list.text, @r##"
# Written by `opsform import 운영/Shop Alarms 2026.xlsx`. What the columns mean is a guess: review every line.
# Columns that are not used: `단위`, `비고`.

[[inventory]]
label = "shop-alarms-2026"
file = "../Shop Alarms 2026.xlsx"
sheet = "알람"
header = 3
id = "알람명"
kind = "row"

[inventory.columns]
alarm_name = "알람명"
namespace = "네임스페이스"
metric = "지표"
InstanceId = "인스턴스 ID"
path = "경로"
statistic = "통계"
period = "기간(분)"
evaluation_periods = "평가 기간"
comparison = "조건"
threshold = "임계치"
alarm_actions = "알림"

[[alarm]]
label = "shop-alarms-2026"
for_each = { inventory = "shop-alarms-2026" }
# region = "us-east-1" # needed where the manifest has several
name = "{{ id }}"
namespace = "{{ row.namespace }}"
metric = "{{ row.metric }}"
dimensions = "InstanceId={{ row.InstanceId }}, path={{ row.path | default('') }}"
statistic = "{{ {'최대': 'Maximum', '평균': 'Average'}[row.statistic] | default(row.statistic) }}"
period = "{{ row.period }}m"
evaluation_periods = "{{ {'3/5': '5'}[row.evaluation_periods] | default(row.evaluation_periods) }}"
datapoints_to_alarm = "{{ {'3/5': '3'}[row.evaluation_periods] | default(row.evaluation_periods) }}"
comparison = "{{ {'이상': '>=', '초과': '>'}[row.comparison] | default(row.comparison) }}"
threshold = "{{ {'80%': '80', '90%': '90'}[row.threshold] | default(row.threshold) }}"
alarm_actions = '''{% for topic in row.alarm_actions | default('') | replace(';', ',') | replace('\n', ',') | replace(' ', ',') | split(',') if topic %}arn:aws:sns:{{ region }}:{{ account }}:{{ topic }} {% endfor %}'''
tags = { "담당" = "{{ row['태그:담당'] }}" }
"##);
}

#[test]
fn what_the_sheet_does_not_say_is_marked() {
    let sheet = grid(
        "Sheet1",
        &[
            &["Metric", "Limit", "Notify"],
            &["Errors", "0.9", "ops@acme.com"],
            &["Errors", "0.5", "ops@acme.com"],
        ],
    );
    let list = alarm_list(&[sheet], &names()).unwrap();
    insta::assert_snapshot!(list.text, @r##"
# Written by `opsform import 운영/Shop Alarms 2026.xlsx`. What the columns mean is a guess: review every line.
# No column has a different value in every row, so that rows cannot be told apart: correct `id`, or the sheet.
# All of `Limit` are from 0 to 1. A cell that shows 90% holds 0.9: if that is so, write `{{ row.threshold * 100 }}`.
# `Notify` holds what is neither an ARN nor the name of an SNS topic, so that `alarm_actions` is left out.

[[inventory]]
label = "shop-alarms-2026"
file = "../Shop Alarms 2026.xlsx"
header = 1
id = "Metric"
kind = "row"

[inventory.columns]
metric = "Metric"
threshold = "Limit"
alarm_actions = "Notify"

[[alarm]]
label = "shop-alarms-2026"
for_each = { inventory = "shop-alarms-2026" }
# region = "us-east-1" # needed where the manifest has several
name = "{{ id }}: {{ metric }} {{ comparison }} {{ threshold }}"
# namespace = "AWS/EC2" # not in the sheet: fill it in
metric = "{{ row.metric }}"
comparison = ">" # not in the sheet
threshold = "{{ row.threshold }}"
"##);
}

#[test]
fn a_sheet_that_lists_no_alarms_is_refused_with_what_it_has() {
    let fault =
        |sheet| alarm_list(&[grid("Prod", &[&["Host", "IP"], &["web-1", "10.0.0.1"]])], &sheet).unwrap_err();
    assert_eq!(fault(names()), "no row has headers for a metric and a threshold (there are `Host`, `IP`)");
    let wrong = Names { sheet: Some("prod"), ..names() };
    assert_eq!(fault(wrong), "there is no visible sheet of that name; there are `Prod`");
}

#[test]
fn labels_are_made_of_the_file_and_are_new() {
    let taken = BTreeSet::from(["shop-alarms".to_owned()]);
    assert_eq!(label("a/Shop_Alarms.xlsx", &taken), "shop-alarms-2");
    assert_eq!(label("알람.csv", &taken), "alarms");
}
