//! Operators, as the compiler and its runtime number them.

use rhai::Token;

/// A binary operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
#[allow(missing_docs, reason = "named after what they do")]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    ShiftLeft,
    ShiftRight,
    And,
    Or,
    Xor,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    RangeExclusive,
    RangeInclusive,
    /// `needle in haystack`: in the tree a call of `contains(haystack, needle)` that keeps the token of the operator.
    In,
}

impl BinaryOp {
    /// Every operator, in the order of its number.
    pub const ALL: [Self; 20] = [
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Modulo,
        Self::Power,
        Self::ShiftLeft,
        Self::ShiftRight,
        Self::And,
        Self::Or,
        Self::Xor,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessEqual,
        Self::Greater,
        Self::GreaterEqual,
        Self::RangeExclusive,
        Self::RangeInclusive,
        Self::In,
    ];

    /// The operator of a token.
    pub fn of(token: &Token) -> Option<Self> {
        Some(match token {
            Token::Plus => Self::Add,
            Token::Minus => Self::Subtract,
            Token::Multiply => Self::Multiply,
            Token::Divide => Self::Divide,
            Token::Modulo => Self::Modulo,
            Token::PowerOf => Self::Power,
            Token::LeftShift => Self::ShiftLeft,
            Token::RightShift => Self::ShiftRight,
            Token::Ampersand => Self::And,
            Token::Pipe => Self::Or,
            Token::XOr => Self::Xor,
            Token::EqualsTo => Self::Equal,
            Token::NotEqualsTo => Self::NotEqual,
            Token::LessThan => Self::Less,
            Token::LessThanEqualsTo => Self::LessEqual,
            Token::GreaterThan => Self::Greater,
            Token::GreaterThanEqualsTo => Self::GreaterEqual,
            Token::ExclusiveRange => Self::RangeExclusive,
            Token::InclusiveRange => Self::RangeInclusive,
            Token::In | Token::NotIn => Self::In,
            _ => return None,
        })
    }

    /// Its spelling, which is also the name of the function that it calls.
    pub fn syntax(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "**",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::RangeExclusive => "..",
            Self::RangeInclusive => "..=",
            Self::In => "contains",
        }
    }

    /// The spelling of its assigning form, such as `+=`.
    pub fn assigning_syntax(self) -> Option<&'static str> {
        Some(match self {
            Self::Add => "+=",
            Self::Subtract => "-=",
            Self::Multiply => "*=",
            Self::Divide => "/=",
            Self::Modulo => "%=",
            Self::Power => "**=",
            Self::ShiftLeft => "<<=",
            Self::ShiftRight => ">>=",
            Self::And => "&=",
            Self::Or => "|=",
            Self::Xor => "^=",
            _ => return None,
        })
    }
}
