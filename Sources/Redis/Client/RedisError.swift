/// Why a command has no answer, or what Redis answered instead: what, where, and what to do. Never holds an argument.
package enum RedisError: Error, Hashable, Sendable {
  case badURL(url: String, rule: String)
  case tlsNotSupported(url: String)
  case cannotStart(reason: String)
  case cannotResolve(server: String, reason: String)
  /// Nobody listens there, or the network says no.
  case cannotConnect(server: String, reason: String)
  /// The server may carry the command out all the same.
  case timeout(server: String, command: String, milliseconds: Int)
  /// The server may have carried the command out.
  case connectionLost(server: String, reason: String)
  case cancelled(server: String)
  /// As many commands as may be are waiting for answers.
  case overloaded(server: String, limit: Int)
  case closed(server: String)
  case malformed(server: String, reason: String)
  case replyTooLarge(server: String, limitBytes: Int)
  /// An answer of another kind than the command has.
  case unexpected(server: String, command: String, answer: String)

  case loading(server: String)
  /// It runs a script, or is a replica that has lost its primary.
  case busy(server: String, message: String)
  case readOnly(server: String)
  case outOfMemory(server: String)
  /// The server cannot write to its disk and takes no writes.
  case cannotPersist(server: String, message: String)
  case passwordMissing(server: String)
  case passwordWrong(server: String)
  case passwordNotWanted(server: String)
  case notPermitted(server: String, message: String)
  case noSuchDatabase(server: String, database: Int)
  case wrongType(server: String, command: String)
  case noGroup(server: String)
  case groupExists(server: String)
  case cluster(server: String)
  case tooOld(server: String, version: String, needed: String)
  /// Anything else that the server says.
  case refused(server: String, command: String, message: String)

  /// Waiting may help; a change by someone is not needed, or is likely to be made.
  package var isTransient: Bool {
    switch self {
    case .cannotResolve, .cannotConnect, .timeout, .connectionLost, .overloaded, .loading, .busy, .readOnly,
      .outOfMemory,
      .cannotPersist:
      true
    default: false
    }
  }
}

extension RedisError {
  /// What an answer that begins with `-` says.
  init(answer: String, to command: String, from address: RedisAddress) {
    let server = address.description
    let message = String(answer.prefix(200))
    switch answer.prefix(while: { $0 != " " }) {
    case "LOADING": self = .loading(server: server)
    case "BUSY", "MASTERDOWN": self = .busy(server: server, message: message)
    case "READONLY": self = .readOnly(server: server)
    case "OOM": self = .outOfMemory(server: server)
    case "MISCONF": self = .cannotPersist(server: server, message: message)
    case "NOAUTH": self = .passwordMissing(server: server)
    case "WRONGPASS": self = .passwordWrong(server: server)
    case "NOPERM": self = .notPermitted(server: server, message: message)
    case "WRONGTYPE": self = .wrongType(server: server, command: command)
    case "NOGROUP": self = .noGroup(server: server)
    case "BUSYGROUP": self = .groupExists(server: server)
    case "MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN": self = .cluster(server: server)
    default:
      if command == "AUTH", answer.contains("without any password configured") {
        self = .passwordNotWanted(server: server)
      } else if answer == "ERR no such key" {
        self = .noGroup(server: server)
      } else if command == "SELECT" {
        self = .noSuchDatabase(server: server, database: address.database)
      } else {
        self = .refused(server: server, command: command, message: message)
      }
    }
  }
}

extension RedisError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badURL(let url, let rule): "\(url): not the URL of a Redis server: \(rule)"
    case .tlsNotSupported(let url):
      "\(url): TLS to Redis is not supported; use redis:// to a server on this machine or network, or through a tunnel "
        + "such as stunnel"
    case .cannotStart(let reason): "the Redis client cannot start: \(reason)"
    case .cannotResolve(let server, let reason):
      "Redis at \(server): the name does not resolve (\(reason)); check the name and the DNS of this machine"
    case .cannotConnect(let server, let reason):
      "Redis at \(server): cannot connect: \(reason); is the server running, and are host and port right?"
    case .timeout(let server, let command, let milliseconds):
      "Redis at \(server): no answer to \(command) within \(milliseconds) ms; is the server overloaded or stopped?"
    case .connectionLost(let server, let reason):
      "Redis at \(server): the connection was lost (\(reason)); it is being made again"
    case .cancelled(let server): "Redis at \(server): cancelled"
    case .overloaded(let server, let limit):
      "Redis at \(server): \(limit) commands or bytes wait for it already; it is too slow for what is asked of it"
    case .closed(let server): "Redis at \(server): this client was closed"
    case .malformed(let server, let reason):
      "\(server) does not speak Redis' protocol (\(reason)); check host and port"
    case .replyTooLarge(let server, let limit):
      "Redis at \(server): an answer is larger than \(limit) bytes or has too many parts; what holds the key?"
    case .unexpected(let server, let command, let answer):
      "Redis at \(server): \(command) was answered with \(answer); Redis 7.0 or later is needed"
    case .loading(let server): "Redis at \(server): it is loading its data; wait until it has"
    case .busy(let server, let message):
      "Redis at \(server): it answers nothing for now (\(message)); wait, or end the script"
    case .readOnly(let server):
      "Redis at \(server): it is a read-only replica; give the address of the primary, or make this one primary "
        + "(REPLICAOF NO ONE)"
    case .outOfMemory(let server):
      "Redis at \(server): it has reached its maxmemory and takes no writes; raise maxmemory or delete keys"
    case .cannotPersist(let server, let message):
      "Redis at \(server): it cannot save to its disk and takes no writes (\(message)); make room on its disk"
    case .passwordMissing(let server):
      "Redis at \(server): it wants a password; give it in the URL (redis://:PASSWORD@host) or in its setting"
    case .passwordWrong(let server): "Redis at \(server): user or password is wrong"
    case .passwordNotWanted(let server):
      "Redis at \(server): it has no password set, but one was given; remove it or set requirepass on the server"
    case .notPermitted(let server, let message):
      "Redis at \(server): this user may not do that (\(message)); extend its ACL"
    case .noSuchDatabase(let server, let database):
      "Redis at \(server): there is no database \(database); it usually has 0 to 15 (setting databases)"
    case .wrongType(let server, let command):
      "Redis at \(server): the key of \(command) holds something of another kind; delete it or choose another key "
        + "prefix"
    case .noGroup(let server): "Redis at \(server): there is no such stream or consumer group"
    case .groupExists(let server): "Redis at \(server): the consumer group exists already"
    case .cluster(let server):
      "Redis at \(server): it is part of a cluster, which is not supported; give a single server or a primary"
    case .tooOld(let server, let version, let needed):
      "Redis at \(server): it is version \(version); version \(needed) or later is needed"
    case .refused(let server, let command, let message): "Redis at \(server): \(command) was refused: \(message)"
    }
  }
}
