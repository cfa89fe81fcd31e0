"""The plugins that ship with Yupana. Each folder stands alone; they meet only through core."""
