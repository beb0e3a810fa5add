/// How bytes of one schema become values of another, worked out once for a file.
struct AvroPlan: Sendable {
  enum Step: Hashable, Sendable {
    /// What another step says; types that hold themselves need it.
    case same(Int)
    case null, boolean, int, long, float, double, bytes, text
    case bytesAsText, textAsBytes
    case fixed(Int)
    /// An `int` or `long` as a `double`.
    case wholeAsNumber(isInt: Bool)
    /// A `long` in another unit: times the first, through the second, rounded down.
    case timestamp(times: Int64, through: Int64)
    /// `size` is that of a `fixed`. Multiplied, or divided where nothing is lost, to get another scale.
    case decimal(size: Int?, digits: Int)
    case numberAsDecimal(isFloat: Bool, scale: Int)
    case wholeAsDecimal(isInt: Bool, scale: Int)
    case array(Int)
    case map(Int)
    /// By the branch that was written.
    case union([Int])
    case record(RecordStep)
    /// By the number that was written.
    case enumeration([String?])
    /// An error, but only where a value comes.
    case impossible(String)
  }

  struct RecordStep: Hashable, Sendable {
    /// In the order of the bytes.
    var fields: [FieldStep] = []
    /// What the record has before anything is read: the defaults.
    var start: [AvroValue]
  }

  struct FieldStep: Hashable, Sendable {
    let step: Int
    /// Where it goes; `nil` for what nobody asks for.
    let slot: Int?
  }

  let steps: [Step]
  let root: Int
}
