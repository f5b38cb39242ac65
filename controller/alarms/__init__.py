"""Alarms after ANSI/ISA-18.2 (IEC 62682): a pure core that knows times and conditions, and a thin server around it."""
