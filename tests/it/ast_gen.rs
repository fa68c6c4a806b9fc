//! Random syntax trees for the property tests, in the form in which the parser builds them.

use lagrule::source::Span;
use lagrule::syntax::ast::*;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

/// Words that mean something else where a name could stand.
const RESERVED: [&str; 6] = ["inf", "infinite", "infinity", "single_step", "slow", "weight"];

fn text() -> impl Strategy<Value = String> + Clone {
    "[a-zA-Z][a-z0-9_]{0,5}".prop_filter("reserved", |name| !RESERVED.contains(&name.as_str()))
}

fn name() -> impl Strategy<Value = Name> + Clone {
    text().prop_map(|text| Name { text, span: Span::default() })
}

fn comment() -> impl Strategy<Value = Comment> + Clone {
    "[ -~]{0,16}|θ ∇ℓ|## x"
        .prop_map(|text| Comment { text: text.trim_end().to_owned(), span: Span::default() })
}

fn at(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

/// Any expression the tree can hold, sensible or not.
pub(crate) fn expr() -> impl Strategy<Value = Expr> + Clone {
    let number = "[0-9]{1,3}(\\.[0-9]{1,2})?(e-?[0-9]{1,2})?".prop_map(String::from);
    expr_from(number.boxed(), text().boxed(), text().boxed())
}

/// An expression in given names, with small numbers: more likely to mean something.
pub(crate) fn expr_of(
    names: &'static [&'static str],
    functions: &'static [&'static str],
) -> impl Strategy<Value = Expr> + Clone {
    let pick = |from: &'static [&'static str]| select(from).prop_map(String::from).boxed();
    expr_from(pick(&["0", "1", "2", "3", "0.5"]), pick(names), pick(functions))
}

fn expr_from(
    number: BoxedStrategy<String>,
    text: BoxedStrategy<String>,
    function: BoxedStrategy<String>,
) -> impl Strategy<Value = Expr> + Clone {
    let leaf = prop_oneof![
        1 => number.prop_map(ExprKind::Number),
        3 => text.prop_map(ExprKind::Name),
    ];
    let function = function.prop_map(|text| Name { text, span: Span::default() });
    leaf.prop_map(at).prop_recursive(4, 40, 4, move |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let sum_op = select(vec![SumOp::Plus, SumOp::Minus]);
        let product_op = select(vec![
            ProductOp::Times,
            ProductOp::Over,
            ProductOp::DotTimes,
            ProductOp::DotOver,
        ]);
        let power_op = select(vec![PowerOp::Power, PowerOp::DotPower]);
        prop_oneof![
            (function.clone(), vec(inner.clone(), 1..4))
                .prop_map(|(f, args)| ExprKind::Call(f, args)),
            vec(inner.clone(), 1..3).prop_map(ExprKind::Vector),
            boxed.clone().prop_map(ExprKind::Velocity),
            (boxed.clone(), vec(inner.clone(), 1..3)).prop_map(|(a, i)| ExprKind::Index(a, i)),
            boxed.clone().prop_map(ExprKind::Negate),
            (boxed.clone(), power_op, boxed.clone())
                .prop_map(|(a, op, b)| ExprKind::Power(a, op, b)),
            (boxed.clone(), vec((product_op, inner.clone()), 1..4))
                .prop_map(|(a, rest)| ExprKind::Product(a, rest)),
            (boxed, vec((sum_op, inner), 1..6)).prop_map(|(a, rest)| ExprKind::Sum(a, rest)),
        ]
        .prop_map(at)
    })
}

fn names() -> impl Strategy<Value = Vec<Name>> {
    vec(name(), 1..4)
}

fn dim() -> impl Strategy<Value = Dim> {
    let number =
        "[0-9]{1,2}".prop_map(|text| Dim::Number(Name { text, span: Span::default() }));
    prop_oneof![name().prop_map(Dim::Symbol), number]
}

fn ty() -> impl Strategy<Value = Type> {
    let shape = prop_oneof![
        Just(Shape::Scalar),
        dim().prop_map(Shape::Vector),
        (dim(), dim()).prop_map(|(n, m)| Shape::Matrix(n, m)),
    ];
    let property = select(PropertyKind::ALL.to_vec())
        .prop_map(|kind| Property { kind, span: Span::default() });
    (shape, vec(property, 0..3)).prop_map(|(shape, properties)| Type {
        shape,
        properties,
        span: Span::default(),
    })
}

fn call() -> impl Strategy<Value = Call> {
    let argument = (of(name()), expr()).prop_map(|(name, value)| Argument { name, value });
    (name(), vec(argument, 1..3)).prop_map(|(name, args)| Call {
        name,
        args,
        span: Span::default(),
    })
}

fn list<T: std::fmt::Debug + Clone>(
    node: impl Strategy<Value = T>,
    sizes: std::ops::Range<usize>,
) -> impl Strategy<Value = List<T>> {
    let entry = (vec(comment(), 0..2), node, of(comment()));
    let plain = prop::bool::weighted(0.7);
    (plain, vec(entry, sizes)).prop_map(|(plain, mut entries)| {
        // Comments above the first and beside the last belong to the clause.
        if let Some(first) = entries.first_mut() {
            first.0.clear();
        }
        if let Some(last) = entries.last_mut() {
            last.2 = None;
        }
        let entry = |(above, node, beside)| {
            if plain {
                Entry { above: Vec::new(), node, beside: None }
            } else {
                Entry { above, node, beside }
            }
        };
        List { entries: entries.into_iter().map(entry).collect() }
    })
}

fn binding() -> impl Strategy<Value = Binding> + Clone {
    let binding = (name(), expr()).prop_map(|(name, value)| Binding { name, value });
    binding.boxed()
}

fn constant() -> impl Strategy<Value = Constant> + Clone {
    let relation = select(vec![
        Relation::Less,
        Relation::LessEqual,
        Relation::Greater,
        Relation::GreaterEqual,
    ]);
    let number = "[0-9]{1,2}".prop_map(|text| at(ExprKind::Number(text)));
    let negative = number.clone().prop_map(|number| at(ExprKind::Negate(Box::new(number))));
    let fraction = (number.clone(), number.clone())
        .prop_map(|(a, b)| at(ExprKind::Product(Box::new(a), vec![(ProductOp::Over, b)])));
    let bound = (relation, prop_oneof![number, negative, fraction]);
    let bound =
        bound.prop_map(|(relation, value)| Bound { relation, value, span: Span::default() });
    (of(bound.clone()), name(), of(bound))
        .prop_map(|(left, name, right)| Constant { left, name, right })
        .boxed()
}

fn limit() -> impl Strategy<Value = Limit> + Clone {
    prop_oneof![
        expr().prop_map(LimitKind::ToInfinity),
        expr().prop_map(LimitKind::ToZero),
        (expr(), expr()).prop_map(|(a, b)| LimitKind::MuchLarger(a, b)),
        (expr(), expr()).prop_map(|(a, b)| LimitKind::MuchSmaller(a, b)),
        names().prop_map(LimitKind::Slow),
    ]
    .prop_map(|kind| Limit { kind, span: Span::default() })
    .boxed()
}

fn belief() -> impl Strategy<Value = Belief> {
    let part = prop_oneof![
        call().prop_map(BeliefPart::Prior),
        (expr(), call()).prop_map(|(what, law)| BeliefPart::Observe(what, law)),
        expr().prop_map(BeliefPart::Weight),
    ];
    let item = (vec(comment(), 0..2), part, of(comment())).prop_map(|(above, part, beside)| {
        BeliefItem { above, part, beside, span: Span::default(), keyword: Span::default() }
    });
    (name(), ty(), of(comment()), vec(item, 0..4)).prop_map(|(name, ty, beside, mut parts)| {
        // A comment beside the last line belongs to the clause.
        let beside = beside.filter(|_| !parts.is_empty());
        if let Some(last) = parts.last_mut() {
            last.beside = None;
        }
        Belief { name, ty, beside, parts }
    })
}

fn clause() -> impl Strategy<Value = Clause> {
    let declarator = (name(), of(names())).prop_map(|(name, args)| Declarator { name, args });
    let given = (vec(declarator, 1..3), ty()).prop_map(|(names, ty)| Given { names, ty });
    let param =
        (names(), ty(), of(call())).prop_map(|(names, ty, law)| Param { names, ty, law });
    let regime =
        (name(), list(limit(), 1..4)).prop_map(|(name, limits)| Regime { name, limits });
    let first = prop_oneof![
        name().prop_map(Clause::Lagrangian),
        list(name(), 1..5).prop_map(Clause::Dim),
        param.prop_map(Clause::Param),
        given.prop_map(Clause::Given),
        list(constant(), 1..5).prop_map(Clause::Const),
        list(name(), 2..4).prop_map(Clause::Commute),
        binding().prop_map(Clause::Coordinate),
        regime.prop_map(Clause::Regime),
        belief().prop_map(Clause::Belief),
    ];
    let second = prop_oneof![
        expr().prop_map(Clause::Metric),
        expr().prop_map(Clause::Drift),
        expr().prop_map(Clause::Rate),
        expr().prop_map(Clause::Loss),
        expr().prop_map(Clause::Integrand),
        expr().prop_map(|rate| Clause::Discount(Discount::Rate(rate))),
        expr().prop_map(|weight| Clause::Discount(Discount::Weight(weight))),
        Just(Clause::Horizon(Horizon::Infinite)),
        Just(Clause::Horizon(Horizon::SingleStep)),
        expr().prop_map(|end| Clause::Horizon(Horizon::Until(end))),
        list(binding(), 1..9).prop_map(Clause::Values),
        list(binding(), 1..3).prop_map(Clause::Start),
        list(binding(), 1..3).prop_map(Clause::End),
    ];
    prop_oneof![first, second]
}

fn trivia() -> impl Strategy<Value = Vec<Trivia>> {
    let one = prop_oneof![Just(Trivia::Blank), comment().prop_map(Trivia::Comment)];
    vec(one, 0..3).prop_map(|mut list| {
        list.dedup_by(|a, b| *a == Trivia::Blank && *b == Trivia::Blank);
        list
    })
}

/// Any file.
pub(crate) fn file() -> impl Strategy<Value = File> {
    let item = (trivia(), clause(), of(comment())).prop_map(|(above, clause, beside)| Item {
        above,
        clause,
        beside,
        span: Span::default(),
        keyword: Span::default(),
    });
    (vec(item, 0..8), trivia()).prop_map(|(mut items, mut tail)| {
        // Blank lines at either end of a file are dropped.
        let head = items.first_mut().map_or(&mut tail, |item| &mut item.above);
        if head.first() == Some(&Trivia::Blank) {
            head.remove(0);
        }
        if tail.last() == Some(&Trivia::Blank) {
            tail.pop();
        }
        File { items, tail }
    })
}
