//! Which row is the header, and what its words mean.

use unicode_normalization::UnicodeNormalization;

use crate::manifest::CellValue;

/// How many rows are searched for the header: above it there are titles and remarks.
const HEADER_ROWS: usize = 200;

/// What a column of a list of alarms holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    Name,
    Region,
    Account,
    Namespace,
    Metric,
    /// All dimensions in one cell.
    Dimensions,
    Statistic,
    Period,
    EvaluationPeriods,
    DatapointsToAlarm,
    Comparison,
    Threshold,
    /// Of the data; not taken over, see the module.
    Unit,
    TreatMissingData,
    AlarmActions,
    OkActions,
    InsufficientDataActions,
    ActionsEnabled,
    Description,
    /// One dimension, by its name on AWS.
    Dimension(&'static str),
    /// A tag, by its key.
    Tag(String),
    /// A running number.
    Number,
}

/// The words that headers are made of, in English, Korean and Japanese, as [`simple`] gives them: first those that AWS and
/// its consoles use, then those of people's own lists. The first group in which a header is found counts.
const WORDS: &[(Meaning, &[&str])] = &[
    (
        Meaning::OkActions,
        &["okactions", "okaction", "정상작업", "정상알림", "복구알림", "okアクション", "復旧通知"],
    ),
    (
        Meaning::InsufficientDataActions,
        &["insufficientdataactions", "insufficientdataaction", "데이터부족작업", "データ不足アクション"],
    ),
    (
        Meaning::ActionsEnabled,
        &[
            "actionsenabled",
            "enabled",
            "active",
            "작업활성화",
            "활성화",
            "사용여부",
            "활성여부",
            "アクション有効",
            "有効",
            "有効化",
            "有効無効",
        ],
    ),
    (
        Meaning::TreatMissingData,
        &[
            "treatmissingdata",
            "missingdata",
            "누락데이터",
            "누락데이터처리",
            "결측처리",
            "欠落データ",
            "欠落データの処理",
            "欠損データ",
        ],
    ),
    (
        Meaning::DatapointsToAlarm,
        &[
            "datapointstoalarm",
            "datapoints",
            "데이터포인트",
            "경보에대한데이터포인트",
            "データポイント",
            "アラームを実行するデータポイント",
        ],
    ),
    (
        Meaning::EvaluationPeriods,
        &[
            "evaluationperiods",
            "evaluationperiod",
            "periods",
            "평가기간",
            "평가횟수",
            "연속횟수",
            "횟수",
            "評価期間",
            "評価回数",
            "連続回数",
            "回数",
        ],
    ),
    (
        Meaning::Comparison,
        &[
            "comparisonoperator",
            "comparison",
            "operator",
            "condition",
            "비교연산자",
            "연산자",
            "비교",
            "조건",
            "比較演算子",
            "演算子",
            "比較",
            "条件",
        ],
    ),
    (
        Meaning::Threshold,
        &["threshold", "limit", "임계값", "임계치", "기준값", "기준치", "しきい値", "閾値", "基準値"],
    ),
    (
        Meaning::AlarmActions,
        &[
            "alarmactions",
            "alarmaction",
            "actions",
            "action",
            "snstopic",
            "snstopicarn",
            "topicarn",
            "sns",
            "topic",
            "notification",
            "notify",
            "알람작업",
            "경보작업",
            "작업",
            "알림",
            "알림대상",
            "통보",
            "통보대상",
            "sns주제",
            "アラームアクション",
            "アクション",
            "通知",
            "通知先",
            "snsトピック",
        ],
    ),
    (
        Meaning::Namespace,
        &["namespace", "metricnamespace", "네임스페이스", "이름공간", "名前空間", "ネームスペース"],
    ),
    (
        Meaning::Metric,
        &[
            "metricname",
            "metric",
            "지표",
            "지표명",
            "지표이름",
            "메트릭",
            "메트릭명",
            "메트릭이름",
            "監視項目",
            "メトリクス",
            "メトリクス名",
            "メトリック",
            "メトリック名",
            "指標",
        ],
    ),
    (Meaning::Dimensions, &["dimensions", "dimension", "차원", "디멘션", "ディメンション", "次元"]),
    (
        Meaning::Statistic,
        &["statistic", "stat", "statistics", "extendedstatistic", "통계", "통계값", "統計", "統計量"],
    ),
    (Meaning::Period, &["period", "interval", "기간", "주기", "측정주기", "期間", "間隔", "周期"]),
    (Meaning::Unit, &["unit", "단위", "単位"]),
    (
        Meaning::Name,
        &[
            "alarmname",
            "name",
            "alarm",
            "알람명",
            "알람이름",
            "경보명",
            "경보이름",
            "알람",
            "경보",
            "이름",
            "アラーム名",
            "アラート名",
            "アラーム",
            "名前",
            "名称",
        ],
    ),
    (
        Meaning::Description,
        &["alarmdescription", "description", "설명", "알람설명", "경보설명", "説明", "アラームの説明"],
    ),
    (Meaning::Region, &["region", "awsregion", "리전", "지역", "リージョン", "地域"]),
    (
        Meaning::Account,
        &[
            "account",
            "accountid",
            "awsaccount",
            "awsaccountid",
            "계정",
            "계정id",
            "アカウント",
            "アカウントid",
        ],
    ),
    (
        Meaning::Dimension("InstanceId"),
        &["instanceid", "instance", "인스턴스id", "인스턴스", "インスタンスid", "インスタンス"],
    ),
    (
        Meaning::Dimension("DBInstanceIdentifier"),
        &[
            "dbinstanceidentifier",
            "dbinstance",
            "dbid",
            "db인스턴스",
            "db식별자",
            "dbインスタンス",
            "db識別子",
        ],
    ),
    (
        Meaning::Dimension("DBClusterIdentifier"),
        &["dbclusteridentifier", "dbcluster", "db클러스터", "dbクラスター"],
    ),
    (Meaning::Dimension("LoadBalancer"), &["loadbalancer", "로드밸런서", "ロードバランサー"]),
    (Meaning::Dimension("TargetGroup"), &["targetgroup", "대상그룹", "ターゲットグループ"]),
    (Meaning::Dimension("FunctionName"), &["functionname", "함수이름", "함수명", "関数名"]),
    (Meaning::Dimension("QueueName"), &["queuename", "대기열이름", "큐이름", "キュー名"]),
    (Meaning::Dimension("VolumeId"), &["volumeid", "볼륨id", "ボリュームid"]),
    (Meaning::Dimension("AutoScalingGroupName"), &["autoscalinggroupname", "autoscalinggroup", "asg"]),
    (Meaning::Dimension("TableName"), &["tablename", "테이블이름", "テーブル名"]),
    (Meaning::Dimension("ClusterName"), &["clustername", "클러스터이름", "クラスター名"]),
    (Meaning::Dimension("ServiceName"), &["servicename", "서비스이름", "サービス名"]),
    (Meaning::Dimension("CacheClusterId"), &["cacheclusterid"]),
    (Meaning::Dimension("ImageId"), &["imageid"]),
    (Meaning::Dimension("InstanceType"), &["instancetype", "인스턴스유형", "インスタンスタイプ"]),
    (Meaning::Dimension("path"), &["path", "mountpoint", "경로", "마운트", "パス", "マウントポイント"]),
    (Meaning::Dimension("device"), &["device", "장치", "디바이스", "デバイス"]),
    (Meaning::Dimension("fstype"), &["fstype", "filesystem"]),
    (Meaning::Number, &["no", "number", "id", "번호", "순번", "연번", "番号", "項番"]),
];

/// The header of a table.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// Its row.
    pub(super) row: usize,
    /// What its columns were taken for.
    pub(super) columns: Vec<Column>,
}

/// A column with a header.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) index: usize,
    /// The header as it stands there.
    pub(super) header: String,
    /// `None` where nothing was recognised, or another column was taken for the same.
    pub(super) meaning: Option<Meaning>,
}

impl Header {
    /// The row with the most words that lists of alarms have, where it names a metric and a threshold at least.
    pub(super) fn find(rows: &[Vec<CellValue>]) -> Option<Self> {
        let read = rows.iter().take(HEADER_ROWS).enumerate().map(|(row, cells)| Self::read(row, cells));
        let of_alarms = read.filter(|header| {
            header.column(&Meaning::Metric).is_some() && header.column(&Meaning::Threshold).is_some()
        });
        of_alarms.max_by_key(|header| (header.known(), usize::MAX - header.row))
    }

    /// The column that was taken for this.
    pub(super) fn column(&self, meaning: &Meaning) -> Option<&Column> {
        self.columns.iter().find(|column| column.meaning.as_ref() == Some(meaning))
    }

    /// How many columns were recognised.
    pub(super) fn known(&self) -> usize {
        self.columns.iter().filter(|column| column.meaning.is_some()).count()
    }

    fn read(row: usize, cells: &[CellValue]) -> Self {
        let mut columns: Vec<Column> = Vec::new();
        for (index, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            // As diagnostics and `columns` know it: on one line.
            let header = cell.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            let meaning = meaning(&header)
                .filter(|meaning| !columns.iter().any(|column| column.meaning.as_ref() == Some(meaning)));
            columns.push(Column { index, header, meaning });
        }
        Self { row, columns }
    }
}

/// What a header means. What stands in brackets is a unit or a remark: `기간(초)`, `Threshold (%)`.
fn meaning(header: &str) -> Option<Meaning> {
    let normal: String = header.nfkc().collect();
    let lower = normal.to_lowercase();
    for mark in ["tag:", "tags.", "태그:", "タグ:"] {
        if lower.starts_with(mark) {
            // The mark is as long in the normal form: none of its letters changes its length in lower case.
            return normal.get(mark.len()..).map(|key| Meaning::Tag(key.trim().to_owned()));
        }
    }
    let words = [simple(&normal), simple(normal.split(['(', '[']).next().unwrap_or_default())];
    words.iter().filter(|word| !word.is_empty()).find_map(|word| {
        WORDS.iter().find(|(_, known)| known.contains(&word.as_str())).map(|(meaning, _)| meaning.clone())
    })
}

/// A header without what people write differently: case, blanks, punctuation.
fn simple(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '#').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_known_in_three_languages() {
        for (header, expected) in [
            ("Alarm Name", Meaning::Name),
            ("AlarmName", Meaning::Name),
            ("metric_name", Meaning::Metric),
            ("알람 이름", Meaning::Name),
            ("임계치(%)", Meaning::Threshold),
            ("기간 (초)", Meaning::Period),
            ("평가\n기간", Meaning::EvaluationPeriods),
            ("비교 연산자", Meaning::Comparison),
            ("しきい値", Meaning::Threshold),
            ("メトリクス名", Meaning::Metric),
            ("ＡＬＡＲＭ　ＮＡＭＥ", Meaning::Name),
            ("인스턴스 ID", Meaning::Dimension("InstanceId")),
            ("DBInstanceIdentifier", Meaning::Dimension("DBInstanceIdentifier")),
            ("Tag: Owner", Meaning::Tag("Owner".to_owned())),
            ("タグ:担当", Meaning::Tag("担当".to_owned())),
        ] {
            assert_eq!(meaning(header), Some(expected), "{header}");
        }
        for header in ["비고", "hostname", "metrics of interest", "", "()"] {
            assert_eq!(meaning(header), None, "{header}");
        }
    }

    #[test]
    fn no_word_means_two_things() {
        let mut seen = std::collections::BTreeMap::new();
        for (meaning, words) in WORDS {
            for word in *words {
                assert_eq!(simple(word), *word, "{word} is never met");
                assert_eq!(seen.insert(*word, meaning), None, "{word}");
            }
        }
    }

    #[test]
    fn the_header_is_below_the_titles() {
        let text = |cells: &[&str]| cells.iter().map(|cell| CellValue::of_text(cell)).collect::<Vec<_>>();
        let rows = [
            text(&["Metric alarms of the shop"]),
            text(&[]),
            text(&["", "Name", "Metric", "Threshold", "Metric", "Remarks"]),
            text(&["", "a", "CPUUtilization", "80"]),
        ];
        let header = Header::find(&rows).unwrap();
        assert_eq!((header.row, header.known()), (2, 3));
        assert_eq!(header.column(&Meaning::Metric).unwrap().index, 2);
        assert_eq!(header.columns[3].meaning, None, "the second of two");
        assert!(Header::find(&rows[..2]).is_none());
    }
}
