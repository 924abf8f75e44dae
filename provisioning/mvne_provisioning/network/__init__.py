"""Host networks: the radio network a brand rides on, seen through one port."""
