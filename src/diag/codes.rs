//! The table of diagnostic codes: `E`, the digit of the stage, two digits.
//!
//! A row is all it takes to add one; the tidy test then asks for its page in `docs/errors`
//! and its example in `tests/bad`. Numbers are never used again for something else.

use std::fmt;

macro_rules! codes {
    ($($id:ident $name:ident $title:literal)*) => {
        /// The kind of a mistake. The variants are named for it, the number is for the user.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", stringify!($id), "`: ", $title, ".")] $name,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The number, such as `E101`.
            pub fn id(self) -> &'static str {
                match self { $(Code::$name => stringify!($id)),* }
            }

            /// One line that says what kind of mistake it is.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title),* }
            }
        }
    };
}

#[rustfmt::skip]
codes! {
    // Stage 1: the syntax of one clause.
    E101 NotText             "the file is not text"
    E102 FileTooLarge        "the file is too large"
    E103 UnknownClause       "the line begins with no known clause"
    E104 UnexpectedToken     "something else was expected here"
    E105 TooDeep             "the expression is nested too deeply"
    E106 UnmatchedBracket    "the brackets do not match"
    E107 StrayIndentation    "an indented line continues nothing"
    E108 NumberTooLong       "the number has too many digits"
    E109 ClauseTooLong       "the clause or a product in it is too long"
    E110 TooManyMistakes     "reading stopped after too many mistakes"
    E111 NameLikeProduct     "a name that may be meant as a product"
    E112 NameTooLong         "the name is too long"

    // Stage 2: what the clauses mean together.
    E201 MissingClause       "a clause is missing"
    E202 RepeatedClause      "a clause is given twice"
    E203 RepeatedName        "a name is declared twice"
    E204 ReservedName        "the name has a meaning of its own"
    E205 UnknownName         "the name is not declared"
    E206 WrongShape          "the shapes do not fit"
    E207 WrongCall           "the call does not fit"
    E208 NoSuchEntry         "there is no such entry"
    E209 NotAllowedHere      "this quantity has no place here"
    E210 Contradiction       "two clauses contradict each other"
    E211 PropertyMisfit      "the property does not fit the shape"
    E212 PropertiesClash     "the properties exclude each other"
    E213 EmptyRange          "the range is empty or no range"
    E214 NotPositive         "a positive quantity is needed"
    E215 MetricNotDefinite   "the metric is not positive definite"
    E216 NotRegular          "the Lagrangian is not regular in a velocity"
    E217 NotANumber          "the value is not an exact number"
    E218 ValueOutOfRange     "the value lies outside the declared range"
    E219 ValueLacksProperty  "the value lacks a declared property"
    E220 BadLimit            "this can have no limit"
    E221 LimitsClash         "the limits exclude each other"
    E222 UnknownLaw          "the distribution or process is not known"
    E223 WrongArgument       "the arguments of a distribution do not fit"
    E224 BadCoordinate       "this is no change of a coordinate"
    E225 MisplacedVelocity   "the velocity mark is misplaced"
    E226 MovingMatrix        "a function of a matrix that moves"
    E227 CannotCommute       "these can't be declared to commute"
    E228 Unused              "a name is declared and never used"
    E229 NumberTooLarge      "a number grows beyond all bounds"
    E230 NoAverage           "the average over a distribution has no closed form"
    E231 NeverObserved       "a belief is never observed"
    E232 NoDatum             "an observed quantity may have no value"

    // Stage 3: derivation.
    E301 NotDerivable        "the derivation of this clause does not exist yet"
    E302 UnboundedLikelihood "a likelihood is not bounded"
    E303 CouplingTooStrong   "beliefs and parameters leave the cost unbounded together"
    E304 NotSeparated        "the values do not lie in the regime"
    E305 CrossesZero         "a positive belief may cross zero"
    E306 NoSpread            "nothing holds the spread of a distribution"

    // Stage 3: solution by number.
    E311 MissingNumber       "a number is missing"
    E312 NoValueAtStart      "the Lagrangian has no value at the start"
    E313 NotSolvable         "this has no solution by number"
    E314 BeyondDoubles       "the number is beyond what a double can hold"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
