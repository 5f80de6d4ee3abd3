"""The exchange of the simulated Alpaca: orders, matching, money, trading REST and trade stream."""
