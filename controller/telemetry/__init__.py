"""What happens on the line, published over MQTT: JSON topics and Sparkplug B. No command is accepted from there."""
