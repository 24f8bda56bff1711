//! Files of sheets as people make them.

use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

use super::workbook::changed;
use super::{CellValue, Files, Sheet, SheetChoice, SheetName};
use crate::manifest::Placed;
use crate::model::{Diagnostics, Place};

fn placed<T>(what: &str, value: T) -> Placed<T> {
    Placed { value, place: Place::Named(what.to_owned()) }
}

fn choice(file: &str) -> SheetChoice {
    SheetChoice {
        file: placed("file", file.to_owned()),
        sheet: None,
        header: None,
        key: Some(placed("id", "Instance ID".to_owned())),
        columns: Vec::new(),
        encoding: None,
        place: Place::Named("block".to_owned()),
    }
}

fn read(choice: &SheetChoice, bytes: impl Into<Vec<u8>>) -> Result<Sheet, Vec<String>> {
    let files = Files::from([(choice.file.value.clone(), Ok(bytes.into().into()))]);
    let mut problems = Diagnostics::new();
    let sheet = choice.read(&files, &mut problems);
    sheet.ok_or_else(|| {
        let line = |d: &crate::model::Diagnostic| {
            let related = d.related.as_ref().map(|(place, _)| format!(" [{place}]")).unwrap_or_default();
            let place = d.place.as_ref().unwrap();
            format!("{place}: {}{related} ({})", d.summary, d.hint.as_deref().unwrap_or_default())
        };
        problems.iter().map(line).collect()
    })
}

/// `A5 value` of every cell of a column.
fn column(sheet: &Sheet, name: &str) -> Vec<String> {
    let column = sheet.column(name).unwrap();
    let cell = |row| {
        let place = sheet.place(row, column).to_string();
        format!("{} {}", place.rsplit(['!', ' ']).next().unwrap(), sheet.cell(row, column))
    };
    (0..sheet.len()).map(cell).collect()
}

/// A workbook with a merged title, a remark, a blank row, and every type of cell.
fn messy() -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("운영서버").unwrap();
    let date = Format::new().set_num_format("yyyy-mm-dd");
    let time = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    sheet.merge_range(0, 0, 0, 4, "서버 목록 2026", &Format::new()).unwrap();
    sheet.write(1, 1, "by ops").unwrap();
    for (column, header) in ["이름", "Instance ID ", "CPU\n임계치（％）", "since", "on"].iter().enumerate()
    {
        sheet.write(3, u16::try_from(column).unwrap(), *header).unwrap();
    }
    for row in [4, 6, 7, 8] {
        sheet.write(row, 1, format!(" i-{row}　")).unwrap();
    }
    sheet.write(4, 2, 90).unwrap();
    sheet.write(6, 2, "８５ ").unwrap();
    sheet.write(7, 2, 0.1 + 0.2).unwrap();
    sheet.write(8, 2, Formula::new("=NA()").set_result("#N/A")).unwrap();
    let day = ExcelDateTime::from_ymd(2026, 11, 20).unwrap();
    sheet.write_with_format(4, 3, &day, &date).unwrap();
    sheet.write_with_format(6, 3, day.clone().and_hms(9, 30, 0).unwrap(), &time).unwrap();
    sheet.write(4, 4, true).unwrap();
    sheet.write(6, 4, "   ").unwrap();
    workbook.add_worksheet().set_name("old").unwrap().set_hidden(true);
    workbook.save_to_buffer().unwrap()
}

#[test]
fn a_workbook_as_people_make_them_is_read() {
    let mut choice = choice("servers.xlsx");
    choice.columns = vec![(placed("cpu", "cpu".to_owned()), placed("h", "CPU 임계치(%)".to_owned()))];
    let sheet = read(&choice, messy()).unwrap();
    assert_eq!(sheet.words(), "servers.xlsx › 운영서버");
    assert_eq!(sheet.place(1, 2).to_string(), "servers.xlsx › 운영서버!C7");
    assert_eq!(column(&sheet, "Instance ID"), ["B5 i-4", "B7 i-6", "B8 i-7", "B9 i-8"]);
    assert_eq!(column(&sheet, "cpu"), ["C5 90", "C7 85", "C8 0.3", "C9 #N/A"]);
    assert_eq!(column(&sheet, "since"), ["D5 2026-11-20", "D7 2026-11-20T09:30:00", "D8 ", "D9 "]);
    assert_eq!(column(&sheet, "on"), ["E5 true", "E7 ", "E8 ", "E9 "]);
    assert_eq!(sheet.column("CPU 임계치(%)"), sheet.column("cpu"));
    assert_eq!(sheet.column("nothing"), None);
}

#[test]
fn sheets_are_chosen_by_name_number_or_because_there_is_one() {
    let mut choice = choice("servers.xlsx");
    for name in [SheetName::Name("운영서버".to_owned()), SheetName::Number(1)] {
        choice.sheet = Some(placed("sheet", name));
        assert_eq!(read(&choice, messy()).unwrap().len(), 4);
    }
    choice.sheet = Some(placed("sheet", SheetName::Number(3)));
    assert_eq!(
        read(&choice, messy()).unwrap_err(),
        ["sheet: `servers.xlsx` has no sheet number 3 (its sheets are `운영서버`, `old`)"]
    );
    choice.sheet = Some(placed("sheet", SheetName::Name("운영서비".to_owned())));
    assert_eq!(
        read(&choice, messy()).unwrap_err(),
        ["sheet: `servers.xlsx` has no sheet `운영서비` (did you mean `운영서버`?)"]
    );
    let mut two = Workbook::new();
    two.add_worksheet().set_name("Prod").unwrap();
    two.add_worksheet().set_name("Dev").unwrap();
    choice.sheet = None;
    assert_eq!(
        read(&choice, two.save_to_buffer().unwrap()).unwrap_err(),
        ["file: `servers.xlsx` has 2 visible sheets (choose one: `sheet = \"Prod\"`, `sheet = \"Dev\"`)"]
    );
}

#[test]
fn headers_and_columns_that_are_not_there_are_told() {
    let text = "title,,\nInstance ID,cpu,cpu\ni-1,2,3\n";
    let mut choice = choice("servers.csv");
    assert_eq!(column(&read(&choice, text).unwrap(), "Instance ID"), ["A3 i-1"]);
    choice.columns = vec![
        (placed("a", "a".to_owned()), placed("columns.a", "cpu".to_owned())),
        (placed("b", "b".to_owned()), placed("columns.b", "instance id".to_owned())),
    ];
    assert_eq!(
        read(&choice, text).unwrap_err(),
        [
            "servers.csv › C2: `servers.csv` has two columns `cpu` [servers.csv › B2] \
             (give one of them another header)",
            "columns.b: `servers.csv` has no column `instance id` (did you mean `Instance ID`?)",
        ]
    );
    choice.columns.clear();
    choice.header = Some(placed("header", 3));
    assert_eq!(
        read(&choice, text).unwrap_err(),
        ["header: row 3 of `servers.csv` has no cell `Instance ID` (it stands in row 2: `header = 2`)"]
    );
    choice.header = None;
    choice.key = Some(placed("id", "InstanceID".to_owned()));
    assert_eq!(
        read(&choice, text).unwrap_err(),
        ["id: `servers.csv` has no column `InstanceID` (did you mean `Instance ID`?)"]
    );
    choice.key = None;
    assert_eq!(
        read(&choice, text).unwrap_err(),
        [
            "block: the inventory names no column of ids (add `id = \"…\"` with the header of the column that holds the \
          ids; the file has `Instance ID`, `cpu`, `cpu`)"
        ]
    );
}

#[test]
fn files_that_are_none_are_told() {
    let faults = |file: &str, bytes: &[u8]| read(&choice(file), bytes).unwrap_err().join("\n");
    assert!(faults("a.xlsx", b"no workbook").starts_with("file: `a.xlsx` cannot be read as .xlsx: "));
    for extension in ["xls", "xlsb", "ods"] {
        assert!(faults(&format!("a.{extension}"), b"no workbook").contains("cannot be read as"));
    }
    assert!(faults("a.pdf", b"").starts_with("file: `a.pdf` is no file that an inventory can be read from"));
    assert!(faults("a.json", b"{}").contains("holds neither `Reservations` nor `Tags`"));
    assert!(faults("a.json", b"[1").contains("is not what the AWS CLI prints"));
    let mut problems = Diagnostics::new();
    assert!(choice("b.csv").read(&Files::new(), &mut problems).is_none());
    assert_eq!(problems.iter().next().unwrap().summary, "there is no file `b.csv`");
}

#[test]
fn keys_that_do_not_fit_the_file_are_refused() {
    let mut choice = choice("servers.csv");
    choice.sheet = Some(placed("sheet", SheetName::Number(1)));
    choice.encoding = Some(placed("encoding", "cp94".to_owned()));
    assert_eq!(
        read(&choice, "Instance ID\n").unwrap_err(),
        [
            "sheet: `sheet` goes with workbooks; this file has one table (remove the key)",
            "encoding: there is no encoding \"cp94\" (did you mean `cp949`?)",
        ]
    );
}

#[test]
fn listings_of_the_aws_cli_are_tables() {
    let mut choice = choice("instances.json");
    choice.key = None;
    let instances = r#"{"Reservations": [{"Instances": [
        {"InstanceId": "i-1", "InstanceType": "t3.micro", "State": {"Code": 16, "Name": "running"},
         "Tags": [{"Key": "cpu", "Value": "90"}, {"Key": "State", "Value": "hidden"}]},
        {"InstanceId": "i-2", "Placement": {"AvailabilityZone": "us-east-1a"}}]}]}"#;
    let sheet = read(&choice, instances).unwrap();
    assert_eq!(column(&sheet, "InstanceId"), ["InstanceId i-1", "InstanceId i-2"]);
    assert_eq!(column(&sheet, "cpu"), ["cpu 90", "cpu "]);
    assert_eq!(column(&sheet, "State"), ["State running", "State "]);
    assert_eq!(sheet.place(0, sheet.column("cpu").unwrap()).to_string(), "instances.json › i-1 cpu");
    let tags = r#"{"Tags": [
        {"Key": "cpu", "ResourceId": "i-1", "ResourceType": "instance", "Value": "90"},
        {"Key": "Name", "ResourceId": "vol-1", "ResourceType": "volume", "Value": "disk"},
        {"Key": "Name", "ResourceId": "i-1", "ResourceType": "instance", "Value": "web"}]}"#;
    let marked: Vec<u8> =
        Some(0xfeff).into_iter().chain(tags.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [tags.as_bytes().to_vec(), marked] {
        let sheet = read(&choice, bytes).unwrap();
        assert_eq!((sheet.len(), sheet.header(sheet.key())), (1, "ResourceId"));
        assert_eq!(column(&sheet, "Name"), ["Name web"]);
    }
}

#[test]
fn a_listing_that_was_cut_off_is_refused() {
    let mut choice = choice("instances.json");
    choice.key = None;
    let fault = read(&choice, r#"{"Reservations": [], "NextToken": "abc"}"#).unwrap_err();
    assert!(fault[0].contains("is only a part of the list"), "{fault:?}");
    assert_eq!(read(&choice, r#"{"Reservations": [], "NextToken": null}"#).unwrap().len(), 0);
}

#[test]
fn a_separator_within_a_text_is_told_at_its_row() {
    let choice = choice("servers.csv");
    let fault = read(&choice, "Instance ID,name,cpu\ni-1,web, blue,80\ni-2,db,70,,\n").unwrap_err();
    assert_eq!(fault.len(), 1);
    assert!(fault[0].starts_with("servers.csv › D2: the row has more cells than the header"), "{fault:?}");
    // What a spreadsheet writes of a column without a header has a place in the header's row.
    assert_eq!(read(&choice, "Instance ID,,\ni-1,note,note\n").unwrap().len(), 1);
}

#[test]
fn two_names_that_are_the_same_are_refused() {
    let mut choice = choice("servers.csv");
    let name = |name: &str, header: &str| (placed(name, name.to_owned()), placed("h", header.to_owned()));
    choice.columns = vec![name("a b", "cpu"), name("a  b", "env")];
    assert_eq!(
        read(&choice, "Instance ID,cpu,env\ni-1,1,2\n").unwrap_err(),
        [
            "a  b: two columns are called `a b` [a b] (names that differ in blanks or full-width letters are the same)"
        ]
    );
}

#[test]
fn a_workbook_whose_sheets_are_all_hidden_names_them() {
    let hide = |text: &str| edited(&messy(), "xl/workbook.xml", text, &format!("{text} state=\"hidden\""));
    assert_eq!(
        read(&choice("a.xlsx"), hide("<sheet name=\"운영서버\"")).unwrap_err(),
        ["file: every sheet of `a.xlsx` is hidden (choose one: `sheet = \"운영서버\"`, `sheet = \"old\"`)"]
    );
}

#[test]
fn a_column_of_numbers_has_numbers() {
    let values = |cells: &str| {
        let text = format!("Instance ID,v\n{}", cells.replace(' ', "\n").replace('|', ","));
        let sheet = read(&choice("a.csv"), text).unwrap();
        (column(&sheet, "v"), sheet.number_as_text(1).is_some())
    };
    let read = |cells: &[&str], mixed: bool| (cells.iter().map(|&cell| cell.to_owned()).collect(), mixed);
    assert_eq!(values("a|50.0 b|80 c|0.25"), read(&["B2 50", "B3 80", "B4 0.25"], false));
    assert_eq!(values("a|1.50 b|2.25 c|"), read(&["B2 1.5", "B3 2.25", "B4 "], false));
    // Versions, or what nobody can tell from them.
    assert_eq!(values("a|1.9 b|1.10"), read(&["B2 1.9", "B3 1.10"], true));
    assert_eq!(values("a|1.10 b|2.0-beta"), read(&["B2 1.10", "B3 2.0-beta"], false));
    assert_eq!(values("a|90% b|80"), read(&["B2 90%", "B3 80"], true));
    assert_eq!(values("a|n/a b|80"), read(&["B2 n/a", "B3 80"], false));
}

/// The same table as old Excel and as free office programs write it, with a title, a blank row and a hidden sheet.
#[test]
fn older_and_open_formats_are_read_alike() {
    let xls = include_bytes!("../../../tests/fixtures/servers.xls").as_slice();
    let ods = include_bytes!("../../../tests/fixtures/servers.ods").as_slice();
    for (file, bytes) in [("servers.xls", xls), ("servers.ods", ods)] {
        let sheet = read(&choice(file), bytes).unwrap();
        assert_eq!(sheet.words(), format!("{file} › 운영서버"));
        assert_eq!(column(&sheet, "Instance ID"), ["B4 i-4", "B6 i-6", "B7 i-7"]);
        assert_eq!(column(&sheet, "CPU"), ["C4 90", "C6 85", "C7 0.3"], "{file}");
        assert_eq!(column(&sheet, "since")[0], "D4 2026-11-20", "{file}");
        assert_eq!(column(&sheet, "on"), ["E4 true", "E6 false", "E7 "], "{file}");
    }
}

const XLSB: &[u8] = include_bytes!("../../../tests/fixtures/servers.xlsb");

/// Constants, formulas with results of each type, and two formulas whose result is an error.
#[test]
fn every_cell_of_a_binary_workbook_is_read() {
    let sheet = read(&choice("servers.xlsb"), XLSB).unwrap();
    assert_eq!(sheet.words(), "servers.xlsb › 운영서버");
    for (name, cells) in [
        (
            "Instance ID",
            [
                "A4 i-0000000000000000a",
                "A6 i-0000000000000000b",
                "A7 i-0000000000000000c",
                "A8 i-0000000000000000d",
            ],
        ),
        ("이름", ["B4 결제 서버", "B6 注文サーバー", "B7 재고", "B8 배송"]),
        ("CPU 임계치(%)", ["C4 90", "C6 85", "C7 0.3", "C8 #N/A"]),
        ("도입일", ["D4 2026-11-20", "D6 2026-11-20T09:30:00", "D7 ", "D8 2026-11-20"]),
        ("운영", ["E4 true", "E6 false", "E7 ", "E8 true"]),
        ("수식", ["F4 91", "F6 x-주문", "F7 true", "F8 #DIV/0!"]),
        ("비율", ["G4 0.9", "G6 1.5", "G7 ", "G8 "]),
    ] {
        assert_eq!(column(&sheet, name), cells, "{name}");
    }
    assert!(matches!(sheet.cell(3, 5), CellValue::Error(_)));
}

/// The parts of a workbook with a text in one of them replaced.
fn edited(bytes: &[u8], part: &str, from: &str, to: &str) -> Vec<u8> {
    let edit = |name: &str, content: Vec<u8>| {
        let text = || String::from_utf8(content.clone()).unwrap();
        assert!(name != part || text().contains(from), "{}", text());
        Ok(if name == part { text().replace(from, to).into_bytes() } else { content })
    };
    changed(bytes, edit).unwrap()
}

#[test]
fn a_formula_that_was_never_computed_is_an_error_and_not_nothing() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(0, 0, "Instance ID").unwrap().write(0, 1, "cpu").unwrap();
    sheet.write(1, 0, "i-1").unwrap().write(1, 1, Formula::new("=40+1").set_result("41")).unwrap();
    sheet.write(2, 0, "i-2").unwrap().write(2, 1, Formula::new("=\"\"").set_result("none")).unwrap();
    let saved = workbook.save_to_buffer().unwrap();
    let saved = edited(&saved, "xl/worksheets/sheet1.xml", "<v>none</v>", "<v></v>");
    assert_eq!(column(&read(&choice("a.xlsx"), saved.clone()).unwrap(), "cpu"), ["B2 41", "B3 "]);
    for value in ["", "<v></v>", "<v/>"] {
        let unsaved = edited(&saved, "xl/worksheets/sheet1.xml", "<v>41</v>", value);
        let sheet = read(&choice("a.xlsx"), unsaved).unwrap();
        assert_eq!(column(&sheet, "cpu")[0], "B2 formula without a saved result", "{value}");
        let fault = sheet.cell(0, 1).fault().unwrap();
        assert!(fault.ends_with("open the file in the spreadsheet program and save it"), "{fault}");
    }
}

/// As a library writes it that computes no formulas: dates, numbers, two formulas in B10 and B11, and B17 to B19 merged.
#[test]
fn an_old_workbook_of_a_library_has_formulas_without_results_and_merged_cells() {
    let bytes = include_bytes!("../../../tests/fixtures/formulas.xls").as_slice();
    let cells = column(&read(&choice("formulas.xls"), bytes).unwrap(), "v");
    assert_eq!(cells[..2], ["B2 2026-11-20", "B3 2026-11-20T09:30:00"]);
    assert_eq!(
        cells[6..10],
        ["B8 true", "B9 한글", "B10 formula without a saved result", "B11 formula without a saved result"]
    );
    assert_eq!(cells[15..], ["B17 5", "B18 5", "B19 5"]);
}

#[test]
fn merged_cells_below_the_header_have_one_value() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let plain = Format::new();
    sheet.merge_range(0, 0, 0, 2, "title", &plain).unwrap();
    for (column, header) in [(0, "Instance ID"), (1, "env"), (2, "cpu")] {
        sheet.write(1, column, header).unwrap();
    }
    for (row, id) in [(2, "i-1"), (3, "i-2"), (5, "i-3")] {
        sheet.write(row, 0, id).unwrap();
    }
    sheet.merge_range(2, 1, 5, 1, "prod", &plain).unwrap();
    let sheet = read(&choice("a.xlsx"), workbook.save_to_buffer().unwrap()).unwrap();
    assert_eq!(column(&sheet, "env"), ["B3 prod", "B4 prod", "B6 prod"]);
}

/// An open document with this content.
fn document(content: &str) -> Vec<u8> {
    let ods = include_bytes!("../../../tests/fixtures/servers.ods");
    let replace = |name: &str, part: Vec<u8>| Ok(if name == "content.xml" { content.into() } else { part });
    changed(ods, replace).unwrap()
}

#[test]
fn damage_that_a_reader_does_not_notice_is_refused() {
    let fault = |file: &str, bytes: &[u8]| read(&choice(file), bytes).unwrap_err().join("\n");
    let cut =
        document("<office:document-content><office:body><office:spreadsheet><table:table table:name=\"S\">");
    assert!(fault("a.ods", &cut).contains("content.xml is cut off"), "{}", fault("a.ods", &cut));
    // One bit of a text: only the checksum tells.
    let mut stored = changed(&messy(), |_, part| Ok(part)).unwrap();
    let at = stored.windows(6).position(|window| window == b"by ops").unwrap();
    stored[at] ^= 1;
    assert!(fault("a.xlsx", &stored).contains("the file is damaged"), "{}", fault("a.xlsx", &stored));
    let far = edited(&messy(), "xl/worksheets/sheet1.xml", "r=\"B9\"", "r=\"B4000000000\"");
    assert!(fault("a.xlsx", &far).contains("row 4000000000"), "{}", fault("a.xlsx", &far));
}

const DAMAGED: [&str; 4] = ["servers.xls", "servers.ods", "servers.xlsx", "servers.xlsb"];

/// A sound file for each of [`DAMAGED`].
fn sound(file: usize) -> Vec<u8> {
    match file {
        0 => include_bytes!("../../../tests/fixtures/servers.xls").to_vec(),
        1 => include_bytes!("../../../tests/fixtures/servers.ods").to_vec(),
        2 => messy(),
        _ => XLSB.to_vec(),
    }
}

type Damage = Vec<(prop::sample::Index, u8)>;

fn damages() -> impl Strategy<Value = Damage> {
    proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20)
}

/// These bytes with some of them changed, and the end cut off.
fn damaged(mut bytes: Vec<u8>, damage: &Damage, cut: f64) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    for (at, byte) in damage {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let length = if cut > 0.9 { bytes.len() } else { (bytes.len() as f64 * cut) as usize };
    bytes.truncate(length);
    bytes
}

proptest! {
    /// Files are cut off and damaged on their way through mail and shares.
    #[test]
    fn a_damaged_workbook_is_read_or_refused_without_a_panic(
        file in 0..4_usize,
        cut in 0.2..1.0_f64,
        damage in damages(),
    ) {
        let _ = read(&choice(DAMAGED[file]), damaged(sound(file), &damage, cut));
    }

    /// Damage below the checksums of the archive, as a faulty program writes it.
    #[test]
    fn a_workbook_with_damaged_parts_is_read_or_refused_without_a_panic(
        file in 1..4_usize,
        part in any::<prop::sample::Index>(),
        cut in 0.2..3.0_f64,
        damage in damages(),
    ) {
        let names = std::cell::RefCell::new(Vec::new());
        changed(&sound(file), |name, part| { names.borrow_mut().push(name.to_owned()); Ok(part) }).unwrap();
        let target = names.borrow()[part.index(names.borrow().len())].clone();
        let bytes = changed(&sound(file), |name, part| {
            Ok(if name == target { damaged(part, &damage, cut) } else { part })
        });
        let _ = read(&choice(DAMAGED[file]), bytes.unwrap());
    }
}
