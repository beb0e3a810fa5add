import Market
import VenueSimulator
import Venues

extension DataStreamsProtocol {
  /// Bitcoin's prices, with the simulator's credentials.
  static var simulated: Self {
    let credentials = DataStreamsCredentials(
      apiKey: VenueSet.Credentials.apiKey, secret: Secret(VenueSet.Credentials.secret))
    return Self(venue: .simulatedChainlink, streams: [.init(.bitcoin, .bitcoinUSD)], credentials: credentials)
  }
}
