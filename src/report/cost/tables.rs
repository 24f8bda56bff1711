//! The tables of a cost report, in the order of the workbook's sheets.

use rust_decimal::Decimal;

use super::table::{Cell, Column, Kind, Table};
use super::totals::{Total, by_volume_type, unattached};
use crate::costs::{CostReport, InstanceCost};

/// All sheets but the summary.
pub(super) fn tables(report: &CostReport) -> [Table<'_>; 8] {
    [
        instances(report),
        volume_types(report),
        tags(report),
        databases(report),
        snapshots(report),
        parked(report),
        idle(report),
        trend(report),
    ]
}

fn money(header: &'static str) -> Column {
    Column::new(header, Kind::Money)
}

fn so_far(report: &CostReport, header: &'static str) -> Column {
    money(header).noted(so_far_words(report)).summed()
}

fn forecast(header: &'static str) -> Column {
    money(header).noted("For the whole month, if everything stays as it is.").summed()
}

/// What "so far" means in this report.
pub(super) fn so_far_words(report: &CostReport) -> String {
    let from = report.month.begins.strftime("%Y-%m-%d %H:%M UTC");
    let to = report.made.strftime("%Y-%m-%d %H:%M UTC");
    format!("The month so far: from {from}, or from its own beginning if that is later, to {to}.")
}

fn notes(notes: &[String]) -> Cell<'_> {
    match notes {
        [] => Cell::Empty,
        [note] => Cell::text(note),
        notes => Cell::text(notes.join("; ")),
    }
}

/// The first thirteen columns are the layout that people's own macros read: neither their names nor their order change.
fn instances(report: &CostReport) -> Table<'_> {
    let columns = vec![
        Column::text("Name"),
        Column::text("InstanceId"),
        Column::text("InstanceType"),
        Column::text("State"),
        Column::text("AZ"),
        Column::text("Platform"),
        Column::new("vCPU", Kind::Count).summed(),
        Column::new("Memory", Kind::Gib).noted("In GiB.").summed(),
        Column::new("VolumeSize(GB)", Kind::Count).noted("Of all its volumes, in GiB.").summed(),
        Column::text("AttachedVolumes"),
        so_far(report, "EC2Monthly(USD)"),
        so_far(report, "EBSMonthly(USD)"),
        so_far(report, "TotalMonthly(USD)"),
        forecast("EC2Forecast(USD)"),
        forecast("EBSForecast(USD)"),
        forecast("TotalForecast(USD)"),
        Column::text("Account"),
        Column::text("Region"),
        Column::new("Hourly(USD)", Kind::Price).noted("The list price of an hour while it runs."),
        Column::text("Note"),
    ];
    Table {
        sheet: "EC2_Detail_Costs",
        title: "EC2 instances",
        about: String::new(),
        columns,
        rows: report.instances.iter().map(instance).collect(),
    }
}

fn instance(row: &InstanceCost) -> Vec<Cell<'_>> {
    let memory = row.memory_mib.map(|mib| (Decimal::from(mib) / Decimal::from(1024)).normalize());
    vec![
        Cell::text(&row.name),
        Cell::text(&row.id),
        Cell::text(&row.instance_type),
        Cell::text(&row.state),
        Cell::text(&row.zone),
        Cell::text(&row.platform),
        Cell::number(row.vcpu),
        Cell::number(memory),
        Cell::Number(row.volume_gib.into()),
        Cell::text(row.volumes.join(", ")),
        Cell::known(row.ec2.so_far),
        Cell::known(row.ebs.so_far),
        Cell::SumOf(&[10, 11]),
        Cell::known(row.ec2.forecast),
        Cell::known(row.ebs.forecast),
        Cell::SumOf(&[13, 14]),
        Cell::text(&row.account),
        Cell::text(&row.region),
        Cell::known(row.hourly),
        notes(&row.notes),
    ]
}

fn volume_types(report: &CostReport) -> Table<'_> {
    let columns = vec![
        Column::text("VolumeType"),
        Column::new("Volumes", Kind::Count).summed(),
        Column::new("VolumeSize(GB)", Kind::Count).noted("In GiB.").summed(),
        Column::new("IOPS", Kind::Count).noted("Provisioned; none for types that have no choice.").summed(),
        so_far(report, "EBSMonthly(USD)"),
        forecast("EBSForecast(USD)"),
        Column::new("PerGiB(USD)", Kind::Price)
            .noted("The forecast for a GiB, of the volumes whose price is known."),
        Column::new("Unpriced", Kind::Count)
            .noted("Volumes without a known price: the sums leave them out.")
            .summed(),
    ];
    let row = |(name, volumes): (&'_ str, Vec<&crate::costs::VolumeCost>)| {
        let total = Total::of(volumes.iter().map(|volume| &volume.cost));
        let gib: i64 = volumes.iter().map(|volume| i64::from(volume.gib)).sum();
        let priced = volumes.iter().filter(|volume| volume.cost.forecast.is_some());
        let priced_gib: i64 = priced.map(|volume| i64::from(volume.gib)).sum();
        let iops: i64 = volumes.iter().filter_map(|volume| volume.iops).map(i64::from).sum();
        let each = total.forecast.and_then(|sum| sum.checked_div(priced_gib.into()));
        let each = each.map(|price| price.round_dp(4));
        vec![
            Cell::text(name.to_owned()),
            Cell::count(volumes.len()),
            Cell::Number(gib.into()),
            Cell::number(Some(iops).filter(|iops| *iops > 0)),
            Cell::known(total.so_far),
            Cell::known(total.forecast),
            Cell::known(each),
            Cell::count(total.unpriced),
        ]
    };
    Table {
        sheet: "EBS_Summary",
        title: "EBS volumes by type",
        about: String::new(),
        columns,
        rows: by_volume_type(report).into_iter().map(row).collect(),
    }
}

fn tags(report: &CostReport) -> Table<'_> {
    let several = report.by_tag.windows(2).any(|pair| pair[0].key != pair[1].key);
    // Each key divides the same money: a sum over several would count it again.
    let column = |column: Column| Column { summed: !several, ..column };
    let mut columns = vec![Column::text("Key"), Column::text("Value")];
    columns.extend(["Instances", "Volumes", "Databases"].map(|name| column(Column::new(name, Kind::Count))));
    for (header, of_forecast) in [
        ("EC2Monthly(USD)", false),
        ("EBSMonthly(USD)", false),
        ("RDSMonthly(USD)", false),
        ("TotalMonthly(USD)", false),
        ("EC2Forecast(USD)", true),
        ("EBSForecast(USD)", true),
        ("RDSForecast(USD)", true),
        ("TotalForecast(USD)", true),
    ] {
        columns.push(column(if of_forecast { forecast(header) } else { so_far(report, header) }));
    }
    let unpriced = "Rows without a known price: the sums leave them out.";
    columns.push(column(Column::new("Unpriced", Kind::Count).noted(unpriced)));
    let row = |total: &'_ crate::costs::TagTotal| {
        let costs = [total.ec2, total.ebs, total.rds, total.total];
        let value = total.value.clone().unwrap_or_else(|| "(without the tag)".to_owned());
        let mut cells = vec![Cell::text(total.key.clone()), Cell::text(value)];
        cells.extend([total.instances, total.volumes, total.databases].map(Cell::count));
        cells.extend(costs.iter().map(|cost| Cell::known(cost.so_far)));
        cells.extend(costs.iter().map(|cost| Cell::known(cost.forecast)));
        cells.push(Cell::count(total.unpriced));
        cells
    };
    let about = if several { "Each tag divides the same costs, so there is no total." } else { "" };
    Table {
        sheet: "By_Tag",
        title: "By tag",
        about: about.to_owned(),
        columns,
        rows: report.by_tag.iter().map(row).collect(),
    }
}

fn databases(report: &CostReport) -> Table<'_> {
    let columns = vec![
        Column::text("DBIdentifier"),
        Column::text("Cluster"),
        Column::text("Engine"),
        Column::text("Class"),
        Column::text("State"),
        Column::text("MultiAZ"),
        Column::text("StorageType"),
        Column::new("Storage(GB)", Kind::Count).noted("In GiB; empty where AWS bills what is used.").summed(),
        so_far(report, "ComputeMonthly(USD)"),
        so_far(report, "StorageMonthly(USD)"),
        so_far(report, "TotalMonthly(USD)"),
        forecast("ComputeForecast(USD)"),
        forecast("StorageForecast(USD)"),
        forecast("TotalForecast(USD)"),
        Column::text("Account"),
        Column::text("Region"),
        Column::text("Note"),
    ];
    let row = |row: &'_ crate::costs::DatabaseCost| {
        vec![
            Cell::text(row.id.clone()),
            Cell::text(row.cluster.clone().unwrap_or_default()),
            Cell::text(row.engine.clone()),
            Cell::text(row.class.clone()),
            Cell::text(row.state.clone()),
            Cell::text(if row.multi_az { "yes" } else { "no" }),
            Cell::text(row.storage_type.clone()),
            Cell::number(row.storage_gib),
            Cell::known(row.compute.so_far),
            Cell::known(row.storage.so_far),
            Cell::SumOf(&[8, 9]),
            Cell::known(row.compute.forecast),
            Cell::known(row.storage.forecast),
            Cell::SumOf(&[11, 12]),
            Cell::text(row.account.clone()),
            Cell::text(row.region.clone()),
            Cell::text(row.notes.join("; ")),
        ]
    };
    Table {
        sheet: "RDS",
        title: "RDS databases",
        about: String::new(),
        columns,
        rows: report.databases.iter().map(row).collect(),
    }
}

fn snapshots(report: &CostReport) -> Table<'_> {
    let most = "AWS bills the blocks that changed and tells nobody how many: it costs no more than this.";
    let columns = vec![
        Column::text("VolumeId"),
        Column::text("VolumeExists"),
        Column::new("Snapshots", Kind::Count).summed(),
        Column::new("Oldest", Kind::Day),
        Column::new("Newest", Kind::Day),
        Column::new("AtMost(GB)", Kind::Count).noted("The sum of their full sizes, in GiB.").summed(),
        money("MonthlyAtMost(USD)").noted(most).summed(),
        Column::text("Labels").noted("Of the declarations whose rules took them."),
        Column::text("Account"),
        Column::text("Region"),
        Column::text("Note"),
    ];
    let row = |row: &'_ crate::costs::SnapshotCost| {
        vec![
            Cell::text(row.volume.clone()),
            Cell::text(if row.volume_exists { "yes" } else { "no" }),
            Cell::count(row.count),
            Cell::time(row.oldest),
            Cell::time(row.newest),
            Cell::Number(row.gib_at_most),
            Cell::known(row.monthly_at_most),
            Cell::text(row.labels.join(", ")),
            Cell::text(row.account.clone()),
            Cell::text(row.region.clone()),
            Cell::text(row.notes.join("; ")),
        ]
    };
    Table {
        sheet: "Snapshots",
        title: "Snapshots",
        about: "What all snapshots of a volume cost at most in a month; it is no part of the totals."
            .to_owned(),
        columns,
        rows: report.snapshots.iter().map(row).collect(),
    }
}

fn parked(report: &CostReport) -> Table<'_> {
    let columns = vec![
        Column::text("Name"),
        Column::text("InstanceId"),
        Column::new("Since", Kind::Day),
        Column::new("VolumeSize(GB)", Kind::Count).noted("In GiB, of the volumes that it had.").summed(),
        money("VolumesMonthly(USD)").noted("What its volumes would cost a month.").summed(),
        money("SnapshotsMonthlyAtMost(USD)").noted("The most that its snapshots cost a month.").summed(),
        money("SavingMonthly(USD)").noted("The difference: the least that parking saves a month.").summed(),
        Column::text("Account"),
        Column::text("Region"),
    ];
    let row = |row: &'_ crate::costs::ParkedCost| {
        vec![
            Cell::text(row.name.clone()),
            Cell::text(row.id.clone()),
            Cell::time(row.since),
            Cell::Number(row.gib.into()),
            Cell::known(row.volumes_monthly),
            Cell::known(row.snapshots_monthly),
            Cell::known(row.saving_monthly),
            Cell::text(row.account.clone()),
            Cell::text(row.region.clone()),
        ]
    };
    Table {
        sheet: "Parked",
        title: "Parked instances",
        about: String::new(),
        columns,
        rows: report.parked.iter().map(row).collect(),
    }
}

fn idle(report: &CostReport) -> Table<'_> {
    let columns = vec![
        Column::text("Kind"),
        Column::text("Name"),
        Column::text("Id"),
        Column::text("What"),
        Column::new("Size(GB)", Kind::Count).noted("In GiB.").summed(),
        Column::new("Created", Kind::Day),
        Column::text("Why"),
        so_far(report, "Monthly(USD)"),
        forecast("Forecast(USD)"),
        Column::text("Account"),
        Column::text("Region"),
        Column::text("Note"),
    ];
    let volumes = unattached(report).map(|row| {
        vec![
            Cell::text("volume"),
            Cell::text(&row.name),
            Cell::text(&row.id),
            Cell::text(&row.volume_type),
            Cell::Number(row.gib.into()),
            Cell::time(row.created),
            Cell::text("attached to nothing"),
            Cell::known(row.cost.so_far),
            Cell::known(row.cost.forecast),
            Cell::text(&row.account),
            Cell::text(&row.region),
            notes(&row.notes),
        ]
    });
    let addresses = report.addresses.iter().map(|row| {
        vec![
            Cell::text("address"),
            Cell::text(&row.name),
            Cell::text(&row.id),
            Cell::text(&row.address),
            Cell::Empty,
            Cell::Empty,
            Cell::text(&row.why),
            Cell::known(row.cost.so_far),
            Cell::known(row.cost.forecast),
            Cell::text(&row.account),
            Cell::text(&row.region),
            notes(&row.notes),
        ]
    });
    Table {
        sheet: "Unattached",
        title: "Unattached volumes and idle addresses",
        about: "They cost money and nothing uses them.".to_owned(),
        columns,
        rows: volumes.chain(addresses).collect(),
    }
}

fn trend(report: &CostReport) -> Table<'_> {
    let columns = vec![
        Column::new("Month", Kind::Day),
        money("EC2Forecast(USD)").noted("For the whole month, as the last report of that month said."),
        money("EBSForecast(USD)"),
        money("RDSForecast(USD)"),
        money("TotalForecast(USD)"),
        Column::new("Instances", Kind::Count),
        Column::new("Unpriced", Kind::Count).noted("Rows without a known price: the sums leave them out."),
        Column::new("Made", Kind::Time).noted("When the report was made that says so, in UTC."),
        Column::new("Whole", Kind::Text).noted(
            "Whether everything could be read; of one month a whole report counts before one with gaps.",
        ),
    ];
    let row = |point: &'_ crate::costs::TrendPoint| {
        vec![
            Cell::Day(point.month),
            Cell::Number(point.ec2),
            Cell::Number(point.ebs),
            Cell::Number(point.rds),
            Cell::SumOf(&[1, 2, 3]),
            Cell::count(point.instances),
            Cell::count(point.unpriced),
            Cell::Time(point.made),
            Cell::text(if point.complete { "yes" } else { "NO, with gaps" }.to_owned()),
        ]
    };
    Table {
        sheet: "Trend",
        title: "Trend",
        about: "What each month's last report forecast for the whole month.".to_owned(),
        columns,
        rows: report.trend.iter().map(row).collect(),
    }
}
