//! Numbers of entries, orders of insertion, lengths of keys.

use super::agree;

/// A function that reads each of these properties of the map it is given.
fn reader(names: &[String]) -> String {
    let reads: Vec<_> = names.iter().map(|name| format!("m.{name}")).collect();
    format!("fn read(m) {{ [{}] }}\n", reads.join(", "))
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{}{index}", ["k", "b", "zz", "a_rather_long_name_"][index % 4])).collect()
}

#[test]
fn maps_of_all_sizes_as_literals() {
    for size in 0..=30 {
        let mut all = names(size);
        let entries: Vec<_> = all.iter().enumerate().map(|(at, name)| format!("{name}: {at}")).collect();
        all.push(String::from("missing"));
        let literal = format!("#{{{}}}", entries.join(", "));
        let sums: Vec<_> =
            all.iter().take(size).map(|name| format!("m.{name} += 2; t += m.{name};")).collect();
        let (reader, sums, some) = (reader(&all), sums.join(" "), &all[size / 2]);
        agree(&format!(
            "{reader}let m = {literal}; let t = 0; {sums} let other = read(m); m.{some} = 5;
             [t, m, other, read(m), read({literal})]"
        ));
    }
}

#[test]
fn maps_filled_and_emptied_in_all_orders() {
    let orders: [fn(usize, usize) -> usize; 4] = [
        |step, _| step,
        |step, size| size - 1 - step,
        |step, size| if step % 2 == 0 { step / 2 } else { size - 1 - step / 2 },
        |step, size| (step * 7 + 3) % size,
    ];
    for size in [1, 2, 5, 10, 11, 12, 13, 16, 23] {
        let all = names(size);
        for order in orders {
            let each = |what: &dyn Fn(&str) -> String| -> String {
                let steps = (0..size).map(|step| what(&all[order(step, size)]));
                steps.flat_map(|step| [step, String::from("; log.push(read(m));\n")]).collect()
            };
            let fill = each(&|name| format!("m.{name} = \"{name}\""));
            let empty = each(&|name| format!("m.remove(\"{name}\")"));
            let reader = reader(&all);
            agree(&format!(
                "{reader}let m = #{{}}; let log = [];\n{fill}{empty}m.k0 = 1; log.push(read(m)); log"
            ));
        }
    }
}

#[test]
fn one_place_sees_a_map_grow_and_shrink() {
    agree(
        "let m = #{m: 1.5}; let log = [];
         for i in 0..40 { m[\"k\" + ((i * 7) % 40)] = i; m.m += 0.5; log.push(m.m); log.push(m.k7); }
         for i in 0..40 { m.remove(\"k\" + ((i * 3) % 40)); m.m += 0.5; log.push(m.m); log.push(m.k7); }
         [log, m]",
    );
    agree(
        "fn touch(m) { m.n = m.n + 1; m.n += m.zz ?? 10; m }
         let m = #{n: 0}; let log = [];
         for i in 0..30 { m = touch(m); m[\"a\" + i] = i; if i == 20 { m.zz = 100; } log.push(m.n); }
         for k in m.keys() { if k != \"n\" { m.remove(k); } m = touch(m); log.push(m.n); }
         log",
    );
}

#[test]
fn one_place_sees_maps_of_many_shapes() {
    let maps: Vec<_> = (0..13)
        .map(|size| {
            let name = |at: usize| format!("{}{at}: {at}", ["a", "p", "z"][at % 3]);
            let mut entries: Vec<_> = (0..size).map(name).collect();
            entries.insert(size / 2, format!("n: {size}"));
            format!("#{{{}}}", entries.join(", "))
        })
        .collect();
    let maps = maps.join(", ");
    agree(&format!(
        "fn sum(ms) {{ let t = 0; for m in ms {{ t += m.n; }} t }}
         fn change(ms) {{
             let i = 0; while i < ms.len {{ ms[i].n = ms[i].n * 2; ms[i].n += 1; i += 1; }}
             ms
         }}
         let ms = [{maps}]; let log = [];
         for i in 0..20 {{ log.push(sum(ms)); ms = change(ms); ms.push(ms.shift()); }}
         [log, ms, sum([#{{}}])]"
    ));
}

#[test]
fn keys_of_all_lengths() {
    for filling in ["a", "ß", "語", "😀"] {
        for length in (0..=40).chain([100]) {
            let size = filling.len();
            if length % size != 0 && length > 25 {
                continue;
            }
            let key = format!("{}{}", filling.repeat(length / size), &"xyz"[..length % size]);
            let (longer, other) = (format!("{key}y"), format!("{key}z"));
            agree(&format!(
                "fn get(m) {{ [m[\"{key}\"], m[\"{longer}\"], m[\"{other}\"]] }}
                 let m = #{{\"{key}\": 1, \"{longer}\": 2.5}};
                 m[\"{key}\"] += 1; m[\"{longer}\"] *= 2.0; m[\"{key}\"] = m[\"{key}\"] + 40;
                 let more = [get(#{{\"{longer}\": 'c', \"{other}\": 7}}), get(#{{}})];
                 [m, get(m), more, m[\"{key}\"], m[\"{longer}\"], m[\"{other}\"]]"
            ));
        }
    }
    for length in [1, 4, 5, 7, 8, 9, 15, 16, 17, 22, 23, 24, 25, 26, 60] {
        let (key, other) = ("k".repeat(length), format!("{}j", "k".repeat(length - 1)));
        agree(&format!(
            "fn get(m) {{ [m.{key}, m.{other}, m.{key}k] }}
             let m = #{{{key}: 1, {other}: 2.5}}; m.{key} += 1; m.{other} = 0.5;
             [m, get(m), get(#{{{other}: 1}}), get(#{{{key}k: 4}}), m.{key}, m.{other}, m.{key}k]"
        ));
    }
}
