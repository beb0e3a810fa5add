import TestSupport
import Testing

@testable import Storage

/// What `sslmode=verify-full` lets through, with an authority of our own.
struct PostgresTLSTests {
  private struct Place: Sendable {
    let server: PostgresServer
    let port: UInt16

    /// - Parameter settings: lines of `postgresql.conf`.
    init(settings: [String], preparation: String = "") throws {
      // Between finding a port and listening on it another program may take it.
      var attempts = 0
      while true {
        let free = FreePort.find()
        do {
          server = try PostgresServer(
            settings: ["listen_addresses = 'localhost'"] + settings, port: free, preparation: preparation)
          port = free
          return
        } catch {
          attempts += 1
          guard attempts < 5, "\(error)".contains("Address already in use") else { throw error }
        }
      }
    }

    func open(host: String = "localhost", authority: String = "ca") throws -> PostgresConnection {
      let file = "\(server.folder)/\(authority).pem".replacing("/", with: "%2F")
      return try PostgresConnection(
        PostgresLocation("postgres://candlecast@\(host):\(port)/postgres?sslmode=verify-full&sslrootcert=\(file)"))
    }
  }

  private static let shared = Result {
    try Place(
      settings: ["ssl = on", "ssl_cert_file = '../server.pem'", "ssl_key_file = '../server.key'"],
      preparation: certificates)
  }

  /// Two authorities; one of them knows the server by the name `localhost` and by nothing else.
  private static let certificates = """
    make_key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    openssl req -x509 $make_key -days 2 -subj "/CN=authority" -keyout ca.key -out ca.pem
    openssl req -x509 $make_key -days 2 -subj "/CN=another authority" -keyout other.key -out other.pem
    openssl req $make_key -subj "/CN=localhost" -keyout server.key -out server.csr
    printf "subjectAltName=DNS:localhost\\n" >names
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem
    chmod 600 server.key
    """

  private func refusal(_ body: () throws -> PostgresConnection) throws -> String {
    let error = try #require(throws: StoreError.self) { _ = try body() }
    guard case .refused(_, let reason) = error else { throw error }
    #expect(error.exitCode == 4)
    return reason
  }

  @Test func `the right authority and the right name are let in`() throws {
    let connection = try Self.shared.get().open()
    let rows = try connection.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    #expect(try rows.boolean(0, 0))
    let place = try Self.shared.get()
    let file = "\(place.server.folder)/ca.pem".replacing("/", with: "%2F")
    let address = "postgres://candlecast@localhost:\(place.port)/postgres?sslmode=verify-full&sslrootcert=\(file)"
    #expect(try PostgresStore(PostgresLocation(address)).wasInitialised)
  }

  @Test func `another authority is refused and says which file to give`() throws {
    let reason = try refusal { try Self.shared.get().open(authority: "other") }
    #expect(reason.contains("certificate verify failed") && reason.contains("give the right authority's file"))
  }

  @Test func `another name is refused and says both names`() throws {
    let reason = try refusal { try Self.shared.get().open(host: "127.0.0.1") }
    #expect(reason.contains("\"localhost\"") && reason.contains("\"127.0.0.1\""))
    #expect(reason.contains("give the host by the name that its certificate has"))
  }

  @Test func `an authority's file that is not there is named`() throws {
    let reason = try refusal { try Self.shared.get().open(authority: "nowhere") }
    #expect(reason.contains("nowhere.pem") && reason.contains("sslrootcert of the address is the file"))
  }

  @Test func `a server without encryption is refused and says what it lacks`() throws {
    let place = try Place(settings: [], preparation: Self.certificates)
    let reason = try refusal { try place.open() }
    #expect(reason.contains("does not support SSL") && reason.contains("ssl = on"))
  }
}

struct OldServerTests {
  /// What a server of some version says until it is ready for statements.
  private static func server(_ version: String) -> ScriptedServer {
    func message(_ kind: Character, _ body: [UInt8]) -> [UInt8] {
      let count = UInt32(body.count + 4)
      return Array(String(kind).utf8) + withUnsafeBytes(of: count.bigEndian) { Array($0) } + body
    }
    func parameter(_ name: String, _ value: String) -> [UInt8] {
      message("S", Array(name.utf8) + [0] + Array(value.utf8) + [0])
    }
    let greeting =
      message("R", [0, 0, 0, 0]) + parameter("server_version", version) + parameter("client_encoding", "UTF8")
      + message("K", [0, 0, 0, 1, 0, 0, 0, 2]) + message("Z", Array("I".utf8))
    return ScriptedServer { said in
      switch said.dropFirst(4).prefix(4) {
      // A request for TLS, and the third version of the protocol.
      case [4, 210, 22, 47]: Array("N".utf8)
      case [0, 3, 0, 0]: greeting
      default: nil
      }
    }
  }

  @Test(arguments: ["9.6.24", "14.9 (Debian 14.9-1)"])
  func `an old server is told by its version`(version: String) throws {
    let server = Self.server(version)
    let error = try #require(throws: StoreError.self) {
      _ = try PostgresStore(PostgresLocation("postgres://u:s3cret@127.0.0.1:\(server.port)/d"))
    }
    guard case .outdated(_, let reason) = error else { throw error }
    #expect(reason == "PostgreSQL \(version) is too old; upgrade the server to 15 or later, or give another one")
    #expect(error.exitCode == 4 && !"\(error)".contains("s3cret"))
  }
}
