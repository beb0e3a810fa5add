import Operations
import Storage

/// Which store the configuration means.
///
/// An address under `store` is taken as it is; `postgres:` stands for what `database.*` says, and so does a host there
/// when no store was chosen.
struct StoreChoice {
  private let configuration: Configuration

  init(_ configuration: Configuration) { self.configuration = configuration }

  func location() throws -> StoreLocation { try location(of: configuration.text("store") ?? "") }

  /// - Parameter address: as an option may have it.
  func location(of address: String) throws -> StoreLocation {
    let isUnchosen = address == configuration.text("store") && !configuration.isSet("store")
    let text = address == "postgres:" || (isUnchosen && configuration.isSet("database.host")) ? parts : address
    if PostgresLocation.isAddress(text) { return .postgres(try Self.server(text)) }
    guard let location = StoreLocation(text) else {
      throw CommandError(.wrongUsage, "\(text.withoutPasswords) is no store; expected \(KnobKind.store.expectation)")
    }
    return location
  }

  private static func server(_ text: String) throws(CommandError) -> PostgresLocation {
    do {
      return try PostgresLocation(text)
    } catch {
      throw CommandError(.wrongUsage, "\(error)")
    }
  }

  /// What the configuration lets a server take.
  var limits: PostgresLimits {
    var limits = PostgresLimits()
    limits.statementSeconds = configuration.integer("database.statement_seconds") ?? limits.statementSeconds
    limits.connections = configuration.integer("database.pool_size") ?? limits.connections
    limits.chunkDays = configuration.integer("database.chunk_days") ?? limits.chunkDays
    limits.partitionDays = configuration.integer("database.partition_days") ?? limits.partitionDays
    return limits
  }

  /// The address that `database.*` makes.
  private var parts: String {
    func part(_ knob: String) -> String { (configuration.text(knob) ?? "").percentEncoded }
    let password = configuration.text("database.password").map { ":" + $0.percentEncoded } ?? ""
    return "postgres://\(part("database.user"))\(password)@\(part("database.host")):\(part("database.port"))"
      + "/\(part("database.name"))"
  }
}

extension String {
  /// As it may stand in any part of an address.
  fileprivate var percentEncoded: String {
    var text = ""
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text
  }
}
