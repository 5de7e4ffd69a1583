// CSIMessages
