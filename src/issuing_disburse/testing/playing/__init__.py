"""
Where does a test play: on a simulator, on a cassette, or at Stripe's test mode?
"""
