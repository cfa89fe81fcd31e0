"""Who a person is, what the person may do here, and how the door is kept."""
