// CSIServices
